#pragma once

#include "autograd/variable.h"

namespace lacuna {

struct AttentionOptions {
  int64_t ksize = 3;   ///< side of the matched patches (odd)
  int64_t rate = 2;    ///< matching happens at 1/rate of the resolution
  int64_t fuse_k = 3;  ///< length of the propagation sum (odd)
  double softmax_scale = 10;
  bool fuse = true;
  /// Whether AttentionOutput::attention is wanted. Without it the (h*w) x (h*w) matrix never exists: rows of it are
  /// made as they are needed, and made again for the gradient. A gradient that is to be differentiated itself needs it
  /// whole.
  bool keep_attention = true;
  /// Without keep_attention, how much is done at a time. Neither changes a bit of the output; the gradients' last bits
  /// may differ.
  int64_t block_rows = 0;  ///< rows of the foreground, at most; 0: chosen by size
  int64_t max_bytes = 0;   ///< of what is held beside inputs and output, as far as that is possible; 0: by size
};

struct AttentionOutput {
  Variable y;          ///< like b: the foreground rebuilt from background patches
  Variable attention;  ///< (N,h,w,h*w) with h = H / rate: how much position i takes from position j; if kept
  Tensor offsets;      ///< (N,h,w,2) i32: row and column on the h x w grid of the best match
};

/// Contextual attention (section 3.2 of the paper; METHOD section 3) between f and b, both (N,H,W,C) with H and W
/// multiples of rate; mask (N or 1,H,W,1), 1 in the hole. Throws on other shapes, even ksize or fuse_k.
AttentionOutput contextual_attention(const Variable& f, const Variable& b, const Tensor& mask,
                                     const AttentionOptions& options = {});

/// Bytes that it holds beside its inputs and output, at most, for b of this shape, without keep_attention and
/// unrecorded.
int64_t attention_bytes(const Shape& b, DType dtype, const AttentionOptions& options = {});

/// The same as the paper says it: patches unfolded, matched, weighted, folded. The definition that the cheap
/// formulation is held against.
AttentionOutput contextual_attention_literal(const Variable& f, const Variable& b, const Tensor& mask,
                                             const AttentionOptions& options = {});

}  // namespace lacuna
