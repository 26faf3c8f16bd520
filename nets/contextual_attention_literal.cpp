#include <limits>

#include "nets/attention_parts.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/attention/attention.h"
#include "ops/concat/concat.h"
#include "ops/conv2d/conv2d.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/unfold/unfold.h"

namespace lacuna {
namespace {

/// The sum along the diagonal of a matrix (N,L,L,1), as the released code has it: a convolution with the identity.
Variable convolve_with_identity(const Variable& matrix, int64_t k) {
  Tensor identity = Tensor::zeros({k, k, 1, 1}, DType::f64);
  for (int64_t i = 0; i < k; ++i) identity.data<double>()[i * k + i] = 1;
  return conv2d(matrix, identity.to(matrix.dtype()).to(matrix.device()));
}

/// Step 3 on scores (N,L,L).
Variable propagate(const Variable& scores, const attention::Grid& grid, int64_t k) {
  const auto [n, h, w] = grid;
  const int64_t l = grid.positions();
  Variable s = convolve_with_identity(reshape(scores, {n, l, l, 1}), k);
  s = permute(reshape(s, {n, h, w, h, w}), {0, 2, 1, 4, 3});
  s = convolve_with_identity(reshape(s, {n, l, l, 1}), k);
  return permute(reshape(s, {n, w, h, w, h}), {0, 2, 1, 4, 3});
}

}  // namespace

AttentionOutput contextual_attention_literal(const Variable& f, const Variable& b, const Tensor& mask,
                                             const AttentionOptions& options) {
  const attention::Grid grid = attention::grid_of(f, b, mask, options);
  const auto [n, h, w] = grid;
  const int64_t l = grid.positions();

  const auto patches_of = [&](const Variable& x) {
    const Variable patches = unfold(attention::downscale(x, grid), {.kernel = options.ksize});
    return reshape(patches, {n, l, -1});
  };
  const Variable b_patches = patches_of(b);
  const Variable norms =
      clip(sqrt(sum(square(b_patches), {-1}, true)), least_patch_length, std::numeric_limits<double>::infinity());
  Variable scores = matmul(patches_of(f), b_patches / norms, {.transpose_b = true});
  if (options.fuse) scores = propagate(scores, grid, options.fuse_k);

  const Variable m = attention::availability(mask, grid, options.ksize, b.dtype());
  AttentionOutput output;
  output.attention = attention::weights(reshape(scores, {n, h, w, l}), m, options.softmax_scale);
  output.offsets = attention::best_matches(output.attention.value(), grid);

  const PatchOptions cells{.kernel = 2 * options.rate, .stride = options.rate};
  const Variable pasted = matmul(reshape(output.attention, {n, l, l}), reshape(unfold(b, cells), {n, l, -1}));
  output.y = fold(reshape(pasted, {n, h, w, -1}), b.dim(1), b.dim(2), cells) / 4;
  return output;
}

}  // namespace lacuna
