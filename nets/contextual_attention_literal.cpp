#include <limits>

#include "nets/attention_parts.h"
#include "nets/contextual_attention.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/conv2d/conv2d.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/unfold/unfold.h"

namespace lacuna {
namespace {

using namespace attention;

/// The propagation as the released code writes it: the matrix as a picture, convolved with the identity matrix.
Variable fuse_once(const Variable& scores, int64_t fuse_k) {
  Tensor identity = Tensor::zeros({fuse_k, fuse_k, 1, 1}, DType::f64);
  for (int64_t i = 0; i < fuse_k; ++i) identity.data<double>()[i * fuse_k + i] = 1;
  const Shape picture{scores.dim(0), scores.dim(1), scores.dim(2), 1};
  return reshape(conv2d(reshape(scores, picture), identity.to(scores.dtype())), scores.shape());
}

/// (N,h*w,h*w) with both indices row-major to column-major order; with h and w exchanged, back again.
Variable transpose_order(const Variable& scores, int64_t h, int64_t w) {
  const int64_t n = scores.dim(0);
  return reshape(permute(reshape(scores, {n, h, w, h, w}), {0, 2, 1, 4, 3}), scores.shape());
}

}  // namespace

AttentionOutput contextual_attention_literal(const Variable& f, const Variable& b, const Tensor& mask,
                                             const AttentionOptions& options) {
  check_inputs(f, b, mask, options);
  const int64_t n = f.dim(0), rate = options.rate, h = f.dim(1) / rate, w = f.dim(2) / rate, positions = h * w;

  const PatchOptions matched{.kernel = options.ksize};
  const Variable f_patches = reshape(unfold(downscale(f, rate), matched), {n, positions, -1});
  const Variable b_patches = reshape(unfold(downscale(b, rate), matched), {n, positions, -1});
  const Variable norms = clip(sqrt(sum(square(b_patches), {-1}, true)), 1e-4, std::numeric_limits<double>::infinity());
  Variable scores = matmul(f_patches, b_patches / norms, {.transpose_b = true});
  if (options.fuse) {
    scores = transpose_order(fuse_once(scores, options.fuse_k), h, w);
    scores = transpose_order(fuse_once(scores, options.fuse_k), w, h);
  }
  const Variable attention = attend(scores, available(mask.to(f.dtype()), options), options.softmax_scale);

  const PatchOptions pasted{.kernel = 2 * rate, .stride = rate};
  const Variable raw_patches = reshape(unfold(b, pasted), {n, positions, -1});
  const Variable weighted = reshape(matmul(attention, raw_patches), {n, h, w, -1});
  return {.y = fold(weighted, b.dim(1), b.dim(2), pasted) * 0.25,
          .attention = reshape(attention, {n, h, w, positions}),
          .offsets = best_match(attention.value(), h, w)};
}

}  // namespace lacuna
