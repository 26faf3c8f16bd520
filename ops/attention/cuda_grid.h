#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/attention/attention.h"
#include "tensor/functor.h"

/// The index arithmetic of attention on a CUDA device.
namespace lacuna::kernels::attention {

/// Positions are numbered row by row; corners, the points between them and around them, too.
struct CudaGrid {
  int h, w, channels, rate, picture_channels;
  int patch, fuse;  ///< reaches of the patches and of the propagation sums

  CudaGrid(const Shape& f, int64_t pasted_channels, const StreamOptions& o)
      : h(static_cast<int>(f[1])),
        w(static_cast<int>(f[2])),
        channels(static_cast<int>(f[3])),
        rate(static_cast<int>(o.rate)),
        picture_channels(static_cast<int>(pasted_channels)),
        patch(static_cast<int>(o.ksize / 2)),
        fuse(static_cast<int>(o.fuse_k / 2)) {}

  LACUNA_HD int positions() const { return h * w; }
  LACUNA_HD int corners() const { return (h + 1) * (w + 1); }
  /// Values of the picture around a corner: rate x rate pixels.
  LACUNA_HD int64_t block() const { return int64_t{rate} * rate * picture_channels; }
};

/// A row and a column of the grid.
struct Place {
  int y, x;
};

/// The place `steps` further on, columns first; x leaves [0, w) where there is none.
LACUNA_HD inline Place down_columns(const CudaGrid& g, Place p, int steps) {
  p.y += steps;
  for (; p.y >= g.h; p.y -= g.h) ++p.x;
  for (; p.y < 0; p.y += g.h) --p.x;
  return p;
}

/// The place `steps` further on, rows first; y leaves [0, h) where there is none.
LACUNA_HD inline Place along_rows(const CudaGrid& g, Place p, int steps) {
  p.x += steps;
  for (; p.x >= g.w; p.x -= g.w) ++p.y;
  for (; p.x < 0; p.x += g.w) --p.y;
  return p;
}

LACUNA_HD inline bool inside(const CudaGrid& g, Place p) { return p.y >= 0 && p.y < g.h && p.x >= 0 && p.x < g.w; }

/// Rows of the grid that a matrix holds, in its slots: from `first` on, counted round the end of the grid, where the
/// propagation sums wrap.
struct Window {
  int first, rows, h;

  LACUNA_HD int row_of(int slot) const { return first + slot < h ? first + slot : first + slot - h; }
  /// The slot of a row, or, if it has none, one that is at least `rows`.
  LACUNA_HD int slot_of(int row) const { return row >= first ? row - first : row - first + h; }
};

/// Where element i of a window (samples,rows,w,C) lies in (samples,h,w,C).
LACUNA_HD inline int64_t element_of(const CudaGrid& g, const Window& window, int64_t i) {
  const int64_t row_size = int64_t{g.w} * g.channels, row = i / row_size, sample = row / window.rows;
  return (sample * g.h + window.row_of(static_cast<int>(row % window.rows))) * row_size + i % row_size;
}

/// Rows [begin, end) and `halo` rows on either side.
inline Window window_around(const CudaGrid& g, int begin, int end, int halo) {
  const int rows = std::min(g.h, end - begin + 2 * halo);
  return {rows == g.h ? 0 : (begin - halo + g.h) % g.h, rows, g.h};
}

/// How far the rows reach that weights are made of: of scores, and of products.
inline int score_halo(const CudaGrid& g) { return g.fuse > 0 ? g.fuse + 1 + (g.fuse - 1) / g.w : 0; }
inline int product_halo(const CudaGrid& g) { return score_halo(g) + g.patch; }

/// How the rows, and the samples, are gone through: `samples` at a time, all of them only with all rows.
struct CudaPlan {
  int rows;
  int64_t samples, bytes;
};

inline CudaPlan cuda_plan(const CudaGrid& g, int64_t samples, const StreamOptions& o, int64_t element_size) {
  constexpr int64_t usual_bytes = int64_t{2} << 30;
  const int64_t room = o.max_bytes > 0 ? o.max_bytes : usual_bytes;
  const int64_t row = int64_t{g.w + 1} * g.corners() * element_size;  // of the widest matrix
  const auto rows_held = [&](int rows) {  // at a time: products and scores, then scores and weights, ...
    return std::min(g.h, rows + 1 + 2 * score_halo(g)) + std::min(g.h + 1, rows + 1 + 2 * product_halo(g));
  };
  int rows = g.h + 1;
  if (o.block_rows > 0) rows = static_cast<int>(std::min<int64_t>(rows, o.block_rows));
  while (rows > 1 && rows_held(rows) * row > room) --rows;
  const int64_t bytes = rows_held(rows) * row;
  const int64_t at_once = rows == g.h + 1 ? std::clamp<int64_t>(room / bytes, 1, samples) : 1;
  return {rows, at_once, at_once * bytes};
}

}  // namespace lacuna::kernels::attention
