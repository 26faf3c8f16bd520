#pragma once

#include <algorithm>
#include <vector>

#include "ops/attention/attention.h"
#include "ops/attention/packed.h"
#include "ops/attention/rows.h"

/// What the forward and the backward pass have in common.
namespace lacuna::kernels::attention {

inline int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
inline int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

/// The grid, the sums' reaches and the corners between the grid's positions. Corner (Y,X), number Y * (w + 1) + X, has
/// position (Y,X) to its lower right. Around the last corners of a grid of rate 1 there are no pixels.
struct Geometry {
  int64_t h, w, channels, rate, picture_channels;
  int64_t patch;  ///< reach of the patches
  int64_t fuse;   ///< reach of the propagation sums

  Geometry(const Shape& f, int64_t picture_channels, const StreamOptions& options);

  int64_t positions() const { return h * w; }
  int64_t corner_rows() const { return h + 1; }
  int64_t corner_columns() const { return w + 1; }
  int64_t corners() const { return corner_rows() * corner_columns(); }
  /// Pixels around a corner, times channels.
  int64_t block() const { return rate * rate * picture_channels; }

  /// Rows of the matrix are stored with zeros, or what continues them, around: `guard` elements before and as many
  /// after.
  int64_t guard() const { return ((std::max<int64_t>({patch, fuse, 1}) * w + w + 1 + row_slack) + 15) / 16 * 16; }
  /// Elements from one stored row to the next: room for corner_columns() * h elements, no multiple of a page.
  int64_t row_step(int64_t element_size) const {
    const int64_t step = ((h + 1) * corner_columns() + 2 * guard() + 15) / 16 * 16;
    return step * element_size % 4096 == 0 ? step + 16 : step;
  }
};

/// Corners [begin, end) that are kept, as elements at `at` and on of a row of kept corners.
struct Run {
  int64_t begin, length, at;
};

/// One sample's operands, and what every row of its matrix needs.
template <class T>
struct Sample {
  Sample(const CpuStream& stream, const Geometry& g, const AttentionOperands& operands, int64_t index,
         double softmax_scale);

  const T *f, *b, *picture;
  std::vector<T> inverse_norms, logit_scale, available;  // by position, row_slack more
  std::vector<char> measured;                            // whether a patch's length was above the least
  std::vector<Run> kept;
  int64_t kept_count = 0;
};

/// What a column of the grid's neighbours d columns further have: set where column + d lies inside. By position.
template <class T>
class ColumnMasks {
 public:
  explicit ColumnMasks(const Geometry& g);
  const Bits<T>* operator()(int64_t d) const { return masks_[static_cast<size_t>(d + reach_)].data(); }

 private:
  int64_t reach_;
  std::vector<std::vector<Bits<T>>> masks_;
};

/// The pixels around a corner in the picture (or anything of its shape), row by row; zeros beyond the border.
template <class T>
void gather_block(const Geometry& g, const T* picture, int64_t corner, T* block);
/// The opposite: writes those that lie inside.
template <class T>
void scatter_block(const Geometry& g, const T* block, int64_t corner, T* picture);

/// The kept corner that comes k-th.
int64_t kept_corner(const std::vector<Run>& kept, int64_t k);

/// The right operands: b transposed (channels x L), and the kept corners' pixels / 4 (kept x block).
template <class T>
PackedMatrix<T> pack_features(const CpuStream& stream, const Geometry& g, const Sample<T>& sample);
template <class T>
PackedMatrix<T> pack_pixels(const CpuStream& stream, const Geometry& g, const Sample<T>& sample);

/// Fills the guards of a row over positions, element 0 at `row`, with what continues it in column-major order: below
/// column c follows column c + 1, above it column c - 1 comes before.
template <class T>
void continue_columns(const Geometry& g, T* row) {
  for (int64_t m = 1; m <= g.fuse; ++m) {
    for (const int64_t r : {-m, g.h + m - 1}) {
      const int64_t turn = floor_div(r, g.h), from = (r - turn * g.h) * g.w;
      for (int64_t c = 0; c < g.w; ++c) {
        row[r * g.w + c] = c + turn >= 0 && c + turn < g.w ? row[from + c + turn] : T(0);
      }
    }
  }
}

/// q: for each kept corner j', the sum of A(corner + d, j' + d) over the positions around corner (row, column).
/// weights_of(row, column) is A's row of a position, stored by corners.
template <class T, class WeightsOf>
void sum_around(const Geometry& g, const Sample<T>& sample, const WeightsOf& weights_of, int64_t row, int64_t column,
                T* q) {
  const T* around[4];
  int64_t count = 0;
  for (const int64_t dr : {-1, 0}) {
    for (const int64_t dc : {-1, 0}) {
      const int64_t r = row + dr, c = column + dc;
      if (r < 0 || r >= g.h || c < 0 || c >= g.w) continue;
      around[count++] = weights_of(r, c) + dr * g.corner_columns() + dc;
    }
  }
  for (const Run& run : sample.kept) {
    const T* taps[4];
    for (int64_t k = 0; k < count; ++k) taps[k] = around[k] + run.begin;
    row_loops<T>().sum(taps, count, run.length, q + run.at);
  }
}

}  // namespace lacuna::kernels::attention
