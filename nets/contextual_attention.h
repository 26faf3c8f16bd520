#pragma once

#include "autograd/variable.h"

namespace lacuna {

struct AttentionOptions {
  int64_t ksize = 3;   ///< side of the matched patches (odd)
  int64_t rate = 2;    ///< matching happens at 1/rate of the resolution
  int64_t fuse_k = 3;  ///< length of the propagation sum (odd)
  double softmax_scale = 10;
  bool fuse = true;
};

struct AttentionOutput {
  Variable y;          ///< like b: the foreground rebuilt from background patches
  Variable attention;  ///< (N,h,w,h*w) with h = H / rate: how much position i takes from each position j
  Tensor offsets;      ///< (N,h,w,2) i32: row and column of the best match
};

/// Contextual attention (section 3.2 of the paper; METHOD section 3) between f and b, both (N,H,W,C) with H and W
/// multiples of rate; mask (N or 1,H,W,1), 1 in the hole. By diagonal sums: the cheap formulation.
AttentionOutput contextual_attention(const Variable& f, const Variable& b, const Tensor& mask,
                                     const AttentionOptions& options = {});

/// The same as the paper says it: patches unfolded, matched, weighted, folded. The definition that the cheap
/// formulation is held against.
AttentionOutput contextual_attention_literal(const Variable& f, const Variable& b, const Tensor& mask,
                                             const AttentionOptions& options = {});

}  // namespace lacuna
