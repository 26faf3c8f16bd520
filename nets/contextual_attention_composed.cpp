#include "nets/contextual_attention_composed.h"

#include <limits>
#include <vector>

#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/attention/attention.h"
#include "ops/concat/concat.h"
#include "ops/diagonal/diagonal.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/unfold/unfold.h"

// Positions i of the foreground and j of the background are pixels of the same h x w grid. A matrix between them is
// (N,h,w,h,w).
namespace lacuna::attention {
namespace {

Variable slice_axis(const Variable& x, int axis, int64_t start, int64_t length) {
  return length == x.dim(axis) ? x : slice(x, axis, start, length);
}

/// The sum over d in [-reach, reach] of x(p+d,q+d) for flat positions p and q of each matrix in x.
Variable flat_diagonal_sum(const Variable& x, const Grid& grid, int64_t reach) {
  const int64_t l = grid.positions();
  return reshape(diagonal_sum(reshape(x, {grid.n, 1, l, 1, l}), {.col_lo = -reach, .col_hi = reach}), x.shape());
}

/// Steps 2 and 3. Each step releases the matrix before it, if no tape keeps it.
Variable scores(const Variable& f, const Variable& b, const Grid& grid, const AttentionOptions& options) {
  const auto [n, h, w] = grid;
  const int64_t l = grid.positions(), reach = options.ksize / 2, fuse_reach = options.fuse ? options.fuse_k / 2 : 0;
  const Variable energy = unfold(sum(square(b), {-1}, true), {.kernel = options.ksize});
  const Variable norms = reshape(
      clip(sqrt(sum(energy, {-1})), least_patch_length, std::numeric_limits<double>::infinity()), {n, 1, 1, h, w});
  Variable s = matmul(reshape(f, {n, l, -1}), reshape(b, {n, l, -1}), {.transpose_b = true});
  s = reshape(s, {n, h, w, h, w});
  if (reach > 0) s = diagonal_sum(s, {-reach, reach, -reach, reach});
  s = s / norms;
  if (fuse_reach == 0) return s;
  s = flat_diagonal_sum(s, grid, fuse_reach);
  // Column-major order: one step further in a column, and from its end to the next column's start.
  s = permute(s, {0, 2, 1, 4, 3});
  s = flat_diagonal_sum(s, grid, fuse_reach);
  return permute(s, {0, 2, 1, 4, 3});
}

/// Phases [first, first + count) along an axis, which take shifts `shift` and shift + 1.
struct Phases {
  int64_t first, count, shift;
};

/// Step 6. The transposed convolution of stride `rate` writes output pixel (rate Y + ry, rate X + rx) from the pixels
/// of the picture in the same phase (ry, rx), weighted by A summed over those shifts s for which the cells at (Y, X) +
/// s hold that phase. TensorFlow's SAME puts rate / 2 of the padding before: along an axis s is -1 or 0 for the first
/// phases, 0 or 1 for the others. Phases with the same shifts form a group and share one product.
Variable paste(const Variable& a, const Variable& picture, const Grid& grid, int64_t rate) {
  const auto [n, h, w] = grid;
  const int64_t early = rate - rate / 2, channels = picture.dim(3);
  std::vector<Phases> groups = {{0, early, -1}};
  if (early < rate) groups.push_back({early, rate - early, 0});
  const Variable cells = reshape(picture, {n, h, rate, w, rate, channels});
  Variables bands;
  for (const Phases& rows : groups) {
    Variables pieces;
    for (const Phases& cols : groups) {
      const Variable some = slice_axis(slice_axis(cells, 2, rows.first, rows.count), 4, cols.first, cols.count);
      const Variable pixels = reshape(permute(some, {0, 1, 3, 2, 4, 5}), {n, grid.positions(), -1});
      const Variable sums = diagonal_sum(a, {rows.shift, rows.shift + 1, cols.shift, cols.shift + 1});
      const Variable piece = matmul(reshape(sums, {n, grid.positions(), grid.positions()}), pixels / 4);
      const Variable own = reshape(piece, {n, h, w, rows.count, cols.count, channels});
      pieces.push_back(permute(own, {0, 1, 3, 2, 4, 5}));
    }
    bands.push_back(concat(pieces, 4));
  }
  return reshape(concat(bands, 2), {n, h * rate, w * rate, channels});
}

}  // namespace

Composed compose(const Variable& f, const Variable& b, const Variable& picture, const Variable& m, const Grid& grid,
                 const AttentionOptions& options) {
  const auto [n, h, w] = grid;
  Variable a = reshape(scores(f, b, grid, options), {n, h, w, h * w});
  a = weights(std::move(a), m, options.softmax_scale);
  return {paste(reshape(a, {n, h, w, h, w}), picture, grid, options.rate), a};
}

}  // namespace lacuna::attention
