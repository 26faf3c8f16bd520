#pragma once

#include <numeric>

#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/gather.h"
#include "ops/matmul/gemm.h"
#include "ops/matmul/gemm_index.h"

/// The faces of a convolution as matrix products of gathered pictures.
namespace lacuna::kernels::gemm {

/// What the convolution itself reads along an axis.
inline Axis forward_axis(int64_t in, int64_t taps, const Conv2dOptions& options) {
  const Conv2dAxis axis = conv2d_axis(in, taps, options);
  return {.in = static_cast<int32_t>(in),
          .out = static_cast<int32_t>(axis.out),
          .stride = static_cast<int32_t>(options.stride),
          .taps = static_cast<int32_t>(taps),
          .step = static_cast<int32_t>(options.dilation),
          .start = static_cast<int32_t>(-axis.before),
          .edge = pad_mode(options.padding)};
}

/// What the input gradient reads of g along an axis, for the positions `phase` + a * stride of the input: tap
/// first + u * step of the kernel, for each tap u of `axis`.
struct PhaseAxis {
  Axis axis;
  int32_t first, step;
};
inline PhaseAxis input_axis(int64_t in, int64_t taps, const Conv2dOptions& options, int64_t phase) {
  const Conv2dAxis forward = conv2d_axis(in, taps, options);
  const int64_t s = options.stride, d = options.dilation, shared = std::gcd(s, d);
  // Position s a + phase is read by output o at tap t where o s + t d - before = s a + phase.
  int64_t first = 0;
  while (first < taps && (phase + forward.before - first * d) % s != 0) ++first;
  const int64_t step = s / shared, count = first < taps ? (taps - 1 - first) / step + 1 : 0;
  const int64_t start = first < taps ? (phase + forward.before - first * d) / s : 0;
  return {{.in = static_cast<int32_t>(forward.out),
           .out = static_cast<int32_t>(phase < in ? (in - phase + s - 1) / s : 0),
           .taps = static_cast<int32_t>(count),
           .step = static_cast<int32_t>(-d / shared),
           .start = static_cast<int32_t>(start)},
          static_cast<int32_t>(first),
          static_cast<int32_t>(step)};
}

/// What phase 0 or 1 of the outputs over a doubled axis reads of the axis itself with three taps: two neighbours.
inline Axis upsampled_axis(int64_t in, Padding padding, int64_t phase) {
  const auto n = static_cast<int32_t>(in);
  // Mirrored with or without its border pixels, the doubled axis goes on with the border pixels themselves.
  return {.in = n,
          .out = n,
          .taps = 2,
          .step = 1,
          .start = static_cast<int32_t>(phase) - 1,
          .edge = padding == Padding::same ? PadMode::zero : PadMode::symmetric};
}

/// The taps [begin, end) of three that fall on neighbour u in that phase.
struct TapRange {
  int begin, end;
};
LACUNA_HD inline TapRange upsampled_taps(int phase, int u) {
  return phase == 0 ? (u == 0 ? TapRange{0, 1} : TapRange{1, 3}) : (u == 0 ? TapRange{0, 2} : TapRange{2, 3});
}

/// Pictures of rows x columns of which every stride-th pixel is written, beginning with (first_row, first_column).
inline Target every(int64_t rows, int64_t columns, int64_t stride, int64_t first_row, int64_t first_column,
                    const Gathered& places) {
  return {.scattered = stride > 1,
          .rows = static_cast<int32_t>(rows),
          .columns = static_cast<int32_t>(columns),
          .first_row = static_cast<int32_t>(first_row),
          .row_step = static_cast<int32_t>(stride),
          .first_column = static_cast<int32_t>(first_column),
          .column_step = static_cast<int32_t>(stride),
          .per_picture = places.per_picture,
          .per_row = places.per_row};
}

}  // namespace lacuna::kernels::gemm
