#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ops/conv2d/gather.h"
#include "ops/matmul/tile.h"

namespace lacuna::kernels::direct {

/// What outputs read along one axis: output o and tap t read position o * stride + offsets[t] of `in` ones, which are
/// continued by `mode` on either side. Offsets ascend.
struct Reads {
  int64_t in, out, stride;
  std::vector<int64_t> offsets;
  PadMode mode;

  int64_t taps() const { return static_cast<int64_t>(offsets.size()); }
  /// The position within the axis that continues it at `position`; -1 for a zero.
  int64_t source(int64_t position) const { return padded_source(position, in, mode); }
  /// How many positions `outputs` neighbours read, with what lies between.
  int64_t extent(int64_t outputs) const { return (outputs - 1) * stride + offsets.back() - offsets.front() + 1; }
  /// Whether the taps of an output are neighbours.
  bool consecutive() const { return offsets.back() - offsets.front() + 1 == taps(); }
};

/// Those of a convolution itself.
inline Reads forward_reads(int64_t n, int64_t taps, const Conv2dOptions& options) {
  const Conv2dAxis axis = conv2d_axis(n, taps, options);
  return {n, axis.out, options.stride, tap_offsets(taps, options.dilation, axis.before), pad_mode(options.padding)};
}

/// Blocks of output pixels: `rows` rows, counted through the batch, of `columns` pixels; smaller at the borders.
struct Blocks {
  int64_t all_rows, all_columns, rows, columns;

  int64_t bands() const { return (all_rows + rows - 1) / rows; }
  int64_t strips() const { return (all_columns + columns - 1) / columns; }
  int64_t count() const { return bands() * strips(); }
};

struct Block {
  int64_t row, rows, column, columns;

  Block(const Blocks& all, int64_t index)
      : row(index / all.strips() * all.rows),
        rows(std::min(all.rows, all.all_rows - row)),
        column(index % all.strips() * all.columns),
        columns(std::min(all.columns, all.all_columns - column)) {}
};

/// The rows of a batch that a block reads, each once.
struct RowsRead {
  std::vector<int64_t> sources;  ///< counted through the batch, -1 for a row of zeros
  std::vector<int32_t> place;    ///< [tap * rows of the block + row]: which of them

  RowsRead(const Reads& reads, const Block& block) {
    std::vector<int64_t> keys;  // (picture, position), positions made positive
    const int64_t lift = -std::min<int64_t>(reads.offsets.front(), 0);
    const int64_t pitch = lift + (reads.out - 1) * reads.stride + std::max<int64_t>(reads.offsets.back(), 0) + 1;
    for (const int64_t offset : reads.offsets) {
      for (int64_t q = block.row; q < block.row + block.rows; ++q) {
        keys.push_back(q / reads.out * pitch + q % reads.out * reads.stride + offset + lift);
      }
    }
    std::vector<int64_t> rows = keys;
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    for (const int64_t key : keys) {
      place.push_back(static_cast<int32_t>(std::lower_bound(rows.begin(), rows.end(), key) - rows.begin()));
    }
    for (const int64_t key : rows) {
      const int64_t source = reads.source(key % pitch - lift);
      sources.push_back(source < 0 ? -1 : key / pitch * reads.in + source);
    }
  }
  int64_t count() const { return static_cast<int64_t>(sources.size()); }
};

/// Elements that copy_pixels may write beyond the last pixel.
constexpr int64_t copy_slack = 16;

/// Channels [first, first + count) of a row of pixels, `reads` along it, at positions [begin, begin + positions): to
/// pixels of `step` elements. A null row is zeros; `end` is that of the tensor.
template <class T>
void copy_pixels(const Reads& reads, const T* row, int64_t channels, const T* end, int64_t begin, int64_t positions,
                 int64_t first, int64_t count, int64_t step, T* to) {
  if (!row) {
    std::fill_n(to, positions * step, T{0});
    return;
  }
  const auto border = [&](int64_t from, int64_t until) {
    for (int64_t p = from; p < until; ++p) {
      const int64_t source = reads.source(p);
      T* pixel = to + (p - begin) * step;
      if (source < 0) {
        std::fill_n(pixel, step, T{0});
      } else {
        std::copy_n(row + source * channels + first, count, pixel);
      }
    }
  };
  const int64_t last = begin + positions;
  const int64_t inner = std::clamp<int64_t>(0, begin, last), outer = std::clamp(reads.in, inner, last);
  border(begin, inner);
  if (count == channels && step == channels) {
    std::copy(row + inner * channels, row + outer * channels, to + (inner - begin) * step);
  } else {
    // Those last pixels of all are left out behind which the vectors would not end in time.
    const int64_t vectors = (count + tile_level<T>().lanes - 1) / tile_level<T>().lanes * tile_level<T>().lanes;
    const int64_t room = end - row - first - vectors;
    const int64_t safe = room < 0 ? inner : std::clamp(room / channels + 1, inner, outer);
    tile_level<T>().copy(row + inner * channels + first, channels, safe - inner, count, to + (inner - begin) * step,
                         step);
    border(safe, outer);
  }
  border(outer, last);
}

}  // namespace lacuna::kernels::direct
