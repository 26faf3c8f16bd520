#include "nets/contextual_attention.h"

#include <limits>

#include "nets/attention_parts.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/diagonal/diagonal.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/unfold/unfold.h"

namespace lacuna {
namespace {

using namespace attention;

/// Patch scores over norms, (N,h,w,h,w). The product of two patches is the sum, along the diagonal, of the products of
/// their pixels: one matrix product over single pixels, then a box sum.
Variable match(const Variable& f, const Variable& b, const AttentionOptions& options) {
  const int64_t n = f.dim(0), h = f.dim(1), w = f.dim(2), reach = options.ksize / 2;
  Variable scores =
      reshape(matmul(reshape(f, {n, h * w, -1}), reshape(b, {n, h * w, -1}), {.transpose_b = true}), {n, h, w, h, w});
  scores = diagonal_sum(scores, {-reach, reach, -reach, reach});
  const Variable squares = sum(square(b), {-1}, true);
  const Variable norms = sqrt(sum(unfold(squares, {.kernel = options.ksize}), {-1}));
  return scores / reshape(clip(norms, 1e-4, std::numeric_limits<double>::infinity()), {n, 1, 1, h, w});
}

/// Propagation: sums of fuse_k neighbours along the diagonal of the flattened matrix, (N,p,q,p,q) with both indices
/// row-major.
Variable fuse_rows(const Variable& scores, int64_t fuse_k) {
  const int64_t n = scores.dim(0), positions = scores.dim(1) * scores.dim(2), reach = fuse_k / 2;
  const Variable flat = reshape(scores, {n, 1, positions, 1, positions});
  return reshape(diagonal_sum(flat, {0, 0, -reach, reach}), scores.shape());
}

/// The first and the last shift s for which a patch taken at position i - s covers phase `phase` of position i.
std::pair<int64_t, int64_t> paste_shifts(int64_t phase, int64_t rate) {
  const int64_t offset = phase + rate / 2;  // patches of 2 rate start rate / 2 before their position
  return {offset / rate - 1, offset / rate};
}

/// Patches of b weighted by `attention` (N,h,w,h,w) and summed where they overlap, over 4. Phase (ry,rx) of the result
/// takes, for every shift s under which a patch covers it, phase (ry,rx) of b at position m with the weight A(i+s,
/// m+s).
Variable paste(const Variable& attention, const Variable& b, int64_t rate) {
  const int64_t n = b.dim(0), h = attention.dim(1), w = attention.dim(2), channels = b.dim(3), phases = rate * rate;
  const Variable by_phase =
      reshape(permute(reshape(b, {n, h, rate, w, rate, channels}), {0, 2, 4, 1, 3, 5}), {n, phases, h * w, channels});
  Variables pasted;
  for (int64_t ry = 0; ry < rate; ++ry) {
    for (int64_t rx = 0; rx < rate; ++rx) {
      const auto [row_lo, row_hi] = paste_shifts(ry, rate);
      const auto [col_lo, col_hi] = paste_shifts(rx, rate);
      const Variable weights = diagonal_sum(attention, {row_lo, row_hi, col_lo, col_hi});
      const Variable phase = reshape(slice(by_phase, 1, ry * rate + rx, 1), {n, h * w, channels});
      pasted.push_back(reshape(matmul(reshape(weights, {n, h * w, h * w}), phase), {n, 1, h * w, channels}));
    }
  }
  const Variable all = reshape(concat(pasted, 1), {n, rate, rate, h, w, channels});
  return reshape(permute(all, {0, 3, 1, 4, 2, 5}), b.shape()) * 0.25;
}

}  // namespace

AttentionOutput contextual_attention(const Variable& f, const Variable& b, const Tensor& mask,
                                     const AttentionOptions& options) {
  check_inputs(f, b, mask, options);
  const int64_t n = f.dim(0), h = f.dim(1) / options.rate, w = f.dim(2) / options.rate, positions = h * w;

  // Each step replaces the matrix of the one before: without a tape no more than two are alive.
  Variable scores = match(downscale(f, options.rate), downscale(b, options.rate), options);
  if (options.fuse) {
    scores = fuse_rows(scores, options.fuse_k);
    scores = permute(scores, {0, 2, 1, 4, 3});
    scores = fuse_rows(scores, options.fuse_k);
    scores = permute(scores, {0, 2, 1, 4, 3});
  }
  scores = reshape(scores, {n, positions, positions});
  Variable attention = attend(scores, available(mask.to(f.dtype()), options), options.softmax_scale);
  scores = {};

  AttentionOutput output;
  output.offsets = best_match(attention.value(), h, w);
  output.attention = reshape(attention, {n, h, w, positions});
  output.y = paste(reshape(attention, {n, h, w, h, w}), b, options.rate);
  return output;
}

}  // namespace lacuna
