#include "nets/contextual_attention.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "autograd/tape.h"
#include "nets/attention_parts.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/diagonal/diagonal.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/unfold/unfold.h"

// Positions i of the foreground and j of the background are pixels of the same h x w grid. A matrix between them is
// (N,rows,w,h,w), where `rows` may be some of the foreground's h rows only.
namespace lacuna {
namespace {

using attention::Grid;

/// Elements of the largest matrix that a picture without gradients is given; beyond that it is done in blocks of rows.
constexpr int64_t block_elements = 1 << 25;

Variable slice_rows(const Variable& x, int axis, int64_t start, int64_t length) {
  return length == x.dim(axis) ? x : slice(x, axis, start, length);
}

/// The sum over d in [-reach, reach] of x(p+d,q+d) for flat positions p and q of each matrix in x (..,p..,q..).
Variable flat_diagonal_sum(const Variable& x, int64_t matrices, int64_t p, int64_t q, int64_t reach) {
  return reshape(diagonal_sum(reshape(x, {matrices, 1, p, 1, q}), {.col_lo = -reach, .col_hi = reach}), x.shape());
}

/// Columns c (axis 2) of a matrix replaced by columns c + by, zeros beyond the border.
Variable shift_columns(const Variable& x, int64_t by) {
  const int64_t w = x.dim(2), length = std::max<int64_t>(0, w - std::abs(by));
  if (by == 0) return x;
  return embed(slice(x, 2, std::min(w, std::max<int64_t>(0, by)), length), 2, std::min(w, std::max<int64_t>(0, -by)),
               w);
}

/// Steps 1 to 3 for any rows of the foreground.
class Scores {
 public:
  Scores(const Variable& f, const Variable& b, const Grid& grid, const AttentionOptions& options)
      : grid_(grid), reach_(options.ksize / 2), fuse_reach_(options.fuse ? options.fuse_k / 2 : 0) {
    const int64_t l = grid.positions(), channels = b.dim(3);
    const Variable b_small = attention::downscale(b, grid);
    f_ = attention::downscale(f, grid);
    b_ = reshape(b_small, {grid.n, l, channels});
    const Variable energy = unfold(sum(square(b_small), {-1}, true), {.kernel = options.ksize});
    norms_ = reshape(clip(sqrt(sum(energy, {-1})), attention::least_norm, std::numeric_limits<double>::infinity()),
                     {grid.n, 1, 1, grid.h, grid.w});
  }

  /// S' for foreground rows [begin, end).
  Variable operator()(int64_t begin, int64_t end) const {
    const auto [n, h, w] = grid_;
    if (fuse_reach_ == 0) return along_rows(begin, end);
    // Column-major order: one step further in a column, and from its end to the next column's start. Each step
    // releases the matrix before it.
    const bool whole = begin == 0 && end == h;
    Variable s = whole ? along_rows(0, h) : continued_rows(begin - fuse_reach_, end + fuse_reach_);
    s = permute(s, {0, 2, 1, 4, 3});
    const int64_t l = grid_.positions();
    if (whole) {
      s = flat_diagonal_sum(s, n, l, l, fuse_reach_);
    } else {  // the rows lie around each column, so that columns are apart
      s = flat_diagonal_sum(s, n * w, s.dim(2), l, fuse_reach_);
      s = slice(s, 2, fuse_reach_, end - begin);
    }
    return permute(s, {0, 2, 1, 4, 3});
  }

 private:
  /// S after the first propagation, along the rows, for rows [begin, end) of the grid.
  Variable along_rows(int64_t begin, int64_t end) const {
    const auto [n, h, w] = grid_;
    const int64_t l = grid_.positions();
    const int64_t halo = reach_ + (fuse_reach_ + w - 1) / w;  // what the sums reach beyond the rows asked for
    const int64_t first = std::max<int64_t>(0, begin - halo), count = std::min(h, end + halo) - first;
    const Variable f = reshape(slice_rows(f_, 1, first, count), {n, count * w, -1});
    Variable s = reshape(matmul(f, b_, {.transpose_b = true}), {n, count, w, h, w});
    if (reach_ > 0) s = diagonal_sum(s, {-reach_, reach_, -reach_, reach_});
    s = s / norms_;
    if (fuse_reach_ > 0) s = flat_diagonal_sum(s, n, count * w, l, fuse_reach_);
    return slice_rows(s, 1, begin - first, end - begin);
  }

  /// The same for rows of the grid continued beyond its border in column-major order: row h + r of column c is row r of
  /// column c + 1.
  Variable continued_rows(int64_t begin, int64_t end) const {
    const int64_t h = grid_.h;
    Variables parts;
    for (int64_t row = begin; row < end;) {
      const int64_t turn = row >= 0 ? row / h : -((h - 1 - row) / h);
      const int64_t stop = std::min(end, (turn + 1) * h);
      parts.push_back(shift_columns(along_rows(row - turn * h, stop - turn * h), turn));
      row = stop;
    }
    return parts.size() == 1 ? parts[0] : concat(parts, 1);
  }

  Grid grid_;
  int64_t reach_, fuse_reach_;
  Variable f_, b_, norms_;
};

/// Step 6. The transposed convolution of stride `rate` writes output pixel (rate Y + ry, rate X + rx) from the pixels
/// of b in the same phase (ry, rx), weighted by A summed over those shifts s for which the cells at (Y, X) + s hold
/// that phase. TensorFlow's SAME puts rate / 2 of the padding before: along an axis s is -1 or 0 for the first phases,
/// 0 or 1 for the others. Phases with the same shifts form a group and share one product.
class Paste {
 public:
  Paste(const Variable& b, const Grid& grid, int64_t rate) : grid_(grid), rate_(rate) {
    const auto [n, h, w] = grid;
    const Variable cells = reshape(b, {n, h, rate, w, rate, b.dim(3)});
    for (const Run& rows : runs()) {
      for (const Run& cols : runs()) {
        const Variable some = slice_rows(slice_rows(cells, 2, rows.first, rows.count), 4, cols.first, cols.count);
        const Variable pixels = reshape(permute(some, {0, 1, 3, 2, 4, 5}), {n, grid.positions(), -1});
        groups_.push_back({rows, cols, pixels / 4});
      }
    }
  }

  /// The picture's rows that belong to rows [skip, skip + count) of a (N,rows,w,h,w).
  Variable operator()(const Variable& a, int64_t skip, int64_t count) const {
    const auto [n, h, w] = grid_;
    Variables bands, pieces;
    for (const Group& group : groups_) {
      const auto& [rows, cols, pixels] = group;
      Variable sums = diagonal_sum(a, {rows.shift, rows.shift + 1, cols.shift, cols.shift + 1});
      sums = slice_rows(sums, 1, skip, count);
      const Variable piece = matmul(reshape(sums, {n, count * w, grid_.positions()}), pixels);
      const Variable cells = reshape(piece, {n, count, w, rows.count, cols.count, -1});
      pieces.push_back(permute(cells, {0, 1, 3, 2, 4, 5}));
      if (cols.first + cols.count == rate_) {
        bands.push_back(concat(pieces, 4));
        pieces.clear();
      }
    }
    return reshape(concat(bands, 2), {n, count * rate_, w * rate_, -1});
  }

 private:
  /// Phases [first, first + count) along an axis, which take shifts `shift` and shift + 1.
  struct Run {
    int64_t first, count, shift;
  };
  struct Group {
    Run rows, cols;
    Variable pixels;  // (N,L,rows.count*cols.count*C), already over 4
  };

  std::vector<Run> runs() const {
    const int64_t early = rate_ - rate_ / 2;
    std::vector<Run> runs = {{0, early, -1}};
    if (early < rate_) runs.push_back({early, rate_ - early, 0});
    return runs;
  }

  Grid grid_;
  int64_t rate_;
  std::vector<Group> groups_;
};

/// The rows of the foreground in blocks of `rows`.
AttentionOutput attend(const Variable& f, const Variable& b, const Tensor& mask, const AttentionOptions& options,
                       const Grid& grid, int64_t rows) {
  const auto [n, h, w] = grid;
  const Scores scores(f, b, grid, options);
  const Paste paste(b, grid, options.rate);
  const Variable m = attention::availability(mask, grid, options.ksize, b.dtype());
  AttentionOutput output;
  Variables blocks, offsets;
  for (int64_t begin = 0; begin < h; begin += rows) {
    const int64_t end = std::min(h, begin + rows);
    const int64_t first = std::max<int64_t>(0, begin - 1), last = std::min(h, end + 1);  // paste reaches one further
    const int64_t count = last - first;
    Variable a = reshape(scores(first, last), {n, count, w, h * w});
    a = attention::weights(std::move(a), m, options.softmax_scale);
    const Variable own = attention::best_matches(a.value(), grid);
    offsets.push_back(slice_rows(own, 1, begin - first, end - begin));
    blocks.push_back(paste(reshape(a, {n, count, w, h, w}), begin - first, end - begin));
    if (options.keep_attention) output.attention = a;
  }
  output.y = blocks.size() == 1 ? blocks[0] : concat(blocks, 1);
  output.offsets = (offsets.size() == 1 ? offsets[0] : concat(offsets, 1)).value();
  return output;
}

}  // namespace

AttentionOutput contextual_attention(const Variable& f, const Variable& b, const Tensor& mask,
                                     const AttentionOptions& options) {
  const Grid grid = attention::grid_of(f, b, mask, options);
  const bool differentiable = recording() && (f.requires_grad() || b.requires_grad());
  if (options.keep_attention || differentiable) return attend(f, b, mask, options, grid, grid.h);

  // One sample at a time, in blocks that fit; a block's matrix has some rows more, which its sums reach.
  const int64_t halo = 2 * (options.ksize / 2 + options.fuse_k / 2 + 2);
  const int64_t fitting = block_elements / (grid.w * grid.positions());
  const int64_t chosen = fitting >= grid.h ? grid.h : std::max<int64_t>(8, fitting - halo);
  const int64_t rows = options.block_rows > 0 ? options.block_rows : chosen;
  const auto sample = [](const Variable& x, int64_t k) { return x.dim(0) == 1 ? x : slice(x, 0, k, 1); };
  Variables ys, offsets;
  for (int64_t k = 0; k < grid.n; ++k) {
    const AttentionOutput one =
        attend(sample(f, k), sample(b, k), sample(mask, k).value(), options, {1, grid.h, grid.w}, rows);
    ys.push_back(one.y);
    offsets.push_back(one.offsets);
  }
  if (grid.n == 1) return {ys[0], {}, offsets[0].value()};
  return {concat(ys, 0), {}, concat(offsets, 0).value()};
}

}  // namespace lacuna
