#pragma once

#include <cstdint>

#include "ops/pad/pad.h"
#include "tensor/functor.h"

/// Where the operands and results of the CUDA matrix products lie: index arithmetic, host+device. A convolution is such
/// a product whose left operand is gathered from a picture.
namespace lacuna::kernels::gemm {

/// x / divisor for 0 <= x < 2^31 by a multiplication (Granlund and Montgomery, 1994).
struct Divider {
  uint32_t divisor = 1, factor = 1, shift = 0;

  Divider() = default;
  explicit Divider(int64_t d) : divisor(static_cast<uint32_t>(d < 1 ? 1 : d)) {
    while ((uint64_t{1} << shift) < divisor) ++shift;
    factor = static_cast<uint32_t>(((uint64_t{1} << 32) * ((uint64_t{1} << shift) - divisor)) / divisor + 1);
  }

  LACUNA_HD int32_t quotient(int32_t x) const {
    const auto u = static_cast<uint32_t>(x);
    return static_cast<int32_t>((static_cast<uint32_t>((uint64_t{u} * factor) >> 32) + u) >> shift);
  }
  LACUNA_HD int32_t remainder(int32_t x, int32_t quotient) const {
    return x - quotient * static_cast<int32_t>(divisor);
  }
};

/// padded_source in 32 bits.
LACUNA_HD inline int32_t source_of(int32_t i, int32_t n, PadMode mode) {
  if (static_cast<uint32_t>(i) < static_cast<uint32_t>(n)) return i;
  if (mode == PadMode::zero) return -1;
  if (n == 1) return 0;
  const int32_t edge = mode == PadMode::reflect ? 0 : 1;
  while (static_cast<uint32_t>(i) >= static_cast<uint32_t>(n)) i = i < 0 ? -i - edge : 2 * n - 2 + edge - i;
  return i;
}

/// One axis of a gather: place o and tap t read position o * stride + t * step + start of `in`, continued by `edge`
/// (the same on both axes).
struct Axis {
  int32_t in = 1, out = 1, stride = 1, taps = 1, step = 0, start = 0;
  PadMode edge = PadMode::zero;
};

/// Tap (row, column) and channel of a depth index, counted in this order.
struct Tap {
  int32_t row, column, channel;
};

struct Taps {
  Divider channels, columns;

  LACUNA_HD Tap at(int32_t depth) const {
    const int32_t tap = channels.quotient(depth), row = columns.quotient(tap);
    return {row, columns.remainder(tap, row), channels.remainder(depth, tap)};
  }
};

/// The matrix G(place, depth) of what every place (picture, row, column) of the output reads from pictures (N,rows.in,
/// columns.in,channels): depth is (tap row, tap column, channel).
struct Gathered {
  Axis rows, columns;
  int32_t channels = 1, places = 0, depth = 0;
  Divider per_picture, per_row;
  Taps taps;

  Gathered() = default;
  Gathered(int64_t pictures, const Axis& r, const Axis& c, int64_t channel_count)
      : rows(r),
        columns(c),
        channels(static_cast<int32_t>(channel_count)),
        places(static_cast<int32_t>(pictures * r.out * c.out)),
        depth(static_cast<int32_t>(r.taps * c.taps * channel_count)),
        per_picture(int64_t{r.out} * c.out),
        per_row(c.out),
        taps{Divider(channel_count), Divider(c.taps)} {}

  /// The same gather from pictures of another number of channels.
  Gathered with_channels(int32_t count) const {
    Gathered g = *this;
    g.channels = count;
    g.depth = rows.taps * columns.taps * count;
    g.taps.channels = Divider(count);
    return g;
  }

  /// An ordinary matrix, row by row.
  static Gathered matrix(int64_t row_count, int64_t column_count) {
    const auto n = static_cast<int32_t>(row_count);
    return {1, {}, {.in = n, .out = n}, column_count};
  }

  /// Where a place's tap (0, 0) falls; picture_row is the picture's first row, counted through the batch.
  struct Place {
    int32_t picture_row, row, column;
  };
  LACUNA_HD Place place(int32_t p) const {
    const int32_t picture = per_picture.quotient(p), within = per_picture.remainder(p, picture);
    const int32_t row = per_row.quotient(within), column = per_row.remainder(within, row);
    return {picture * rows.in, row * rows.stride + rows.start, column * columns.stride + columns.start};
  }
  /// The pixel that a tap reads, counted through the batch; -1 for a zero.
  LACUNA_HD int32_t pixel(const Place& p, const Tap& t) const {
    int32_t row = p.row + t.row * rows.step, column = p.column + t.column * columns.step;
    if (rows.edge != PadMode::zero) {  // the same for every thread
      row = source_of(row, rows.in, rows.edge);
      column = source_of(column, columns.in, rows.edge);
    }
    const bool inside = static_cast<uint32_t>(row) < static_cast<uint32_t>(rows.in) &&
                        static_cast<uint32_t>(column) < static_cast<uint32_t>(columns.in);
    return inside ? (p.picture_row + row) * columns.in + column : -1;
  }
  LACUNA_HD int64_t element(int32_t pixel, const Tap& t) const { return int64_t{pixel} * channels + t.channel; }
};

/// The right operand W(depth, column). By depth: rows of consecutive depth indices, row_pitch apart, for each tap of a
/// kernel of `columns` taps in a row, of which tap (r, s) of the product is (first_row + r row_step, first_column + s
/// column_step); otherwise a plain matrix with row_pitch elements from one depth index to the next.
struct Weights {
  int64_t base = 0, row_pitch = 0, tap_pitch = 0;
  int32_t first_row = 0, row_step = 0, first_column = 0, column_step = 0, columns = 1;
  Taps taps;

  LACUNA_HD int64_t by_depth(const Tap& t, int32_t column) const {
    const int32_t tap = (first_row + t.row * row_step) * columns + first_column + t.column * column_step;
    return base + tap * tap_pitch + column * row_pitch + t.channel;
  }
  LACUNA_HD int64_t by_column(int32_t depth, int32_t column) const { return base + depth * row_pitch + column; }
};

/// Where the rows of the result go: place (n, i, j) to pixel (n, first_row + i row_step, first_column + j column_step)
/// of pictures of rows x columns. Unless `scattered`, row p is row p, or, where groups of rows end in padding, the row
/// that it is without all padding.
struct Target {
  bool scattered = false;
  int32_t rows = 1, columns = 1, first_row = 0, row_step = 1, first_column = 0, column_step = 1;
  Divider per_picture, per_row;
  int32_t kept = 0;  ///< rows of a group that are no padding; 0: there are no groups
  Divider group{};

  /// -1 for padding.
  LACUNA_HD int64_t pixel(int32_t p) const {
    if (kept > 0) {
      const int32_t index = group.quotient(p), within = group.remainder(p, index);
      return within < kept ? int64_t{index} * kept + within : -1;
    }
    if (!scattered) return p;
    const int32_t picture = per_picture.quotient(p), within = per_picture.remainder(p, picture);
    const int32_t row = per_row.quotient(within), column = per_row.remainder(within, row);
    return (int64_t{picture} * rows + first_row + row * row_step) * columns + first_column + column * column_step;
  }
};

}  // namespace lacuna::kernels::gemm
