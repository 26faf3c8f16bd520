#pragma once

#include "autograd/variable.h"

namespace lacuna {

struct AttentionOptions {
  int64_t ksize = 3;   ///< side of the matched patches (odd)
  int64_t rate = 2;    ///< matching happens at 1/rate of the resolution
  int64_t fuse_k = 3;  ///< length of the propagation sum (odd)
  double softmax_scale = 10;
  bool fuse = true;
  /// Whether AttentionOutput::attention is wanted. Without it, and with no gradient to be recorded, the rows of the
  /// foreground are done in blocks, so that the whole (h*w) x (h*w) matrix need not exist.
  bool keep_attention = true;
  int64_t block_rows = 0;  ///< rows of such a block; 0: chosen by size
};

struct AttentionOutput {
  Variable y;          ///< like b: the foreground rebuilt from background patches
  Variable attention;  ///< (N,h,w,h*w) with h = H / rate: how much position i takes from position j; if kept
  Tensor offsets;      ///< (N,h,w,2) i32: row and column on the h x w grid of the best match
};

/// Contextual attention (section 3.2 of the paper; METHOD section 3) between f and b, both (N,H,W,C) with H and W
/// multiples of rate; mask (N or 1,H,W,1), 1 in the hole. Throws on other shapes, even ksize or fuse_k.
///
/// The cheap formulation, by diagonal sums. With G(i,j) = <f(i), b(j)> over single pixels the score of two patches is
/// the sum of G(i+d,j+d) over the patch's offsets d; the transposed convolution that pastes is, for each phase of the
/// output within its rate x rate cell, the sum of A(i+s,j+s) over the shifts s that reach it, times the same phase of
/// b.
AttentionOutput contextual_attention(const Variable& f, const Variable& b, const Tensor& mask,
                                     const AttentionOptions& options = {});

/// The same as the paper says it: patches unfolded, matched, weighted, folded. The definition that the cheap
/// formulation is held against.
AttentionOutput contextual_attention_literal(const Variable& f, const Variable& b, const Tensor& mask,
                                             const AttentionOptions& options = {});

}  // namespace lacuna
