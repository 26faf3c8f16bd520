#include "ops/conv2d/winograd_axis.h"

#include <algorithm>

namespace lacuna::kernels::winograd {
namespace {

int64_t floor_half(int64_t n) { return n >= 0 ? n / 2 : -((1 - n) / 2); }

/// An axis with its tables of positions; source(sub, phase, p) and target(sub, phase, v) give positions, which may lie
/// beyond the borders.
template <class Source, class Target>
Axis tabulated(Axis axis, int64_t in, int64_t out, PadMode mode, Source source, Target target) {
  const int64_t per_sub = (out + axis.subs * axis.output_phases - 1) / (axis.subs * axis.output_phases);
  axis.tiles = (per_sub + 3) / 4;
  for (int64_t sub = 0; sub < axis.subs; ++sub) {
    for (int64_t phase = 0; phase < axis.input_phases; ++phase) {
      for (int64_t p = 0; p < axis.sources(); ++p) {
        axis.source.push_back(padded_source(source(sub, phase, p), in, mode));
      }
    }
    for (int64_t phase = 0; phase < axis.output_phases; ++phase) {
      for (int64_t v = 0; v < axis.targets(); ++v) {
        const int64_t position = target(sub, phase, v);
        axis.target.push_back(position < out ? position : -1);
      }
    }
  }
  return axis;
}

/// The place before which the taps of a strided kernel begin. A single tap of a phase falls on the middle place, where
/// two points have nothing of it.
int64_t strided_first(int64_t kernel, int64_t first) { return kernel == 3 ? -1 : first; }

}  // namespace

bool Axis::live(int64_t output_phase, int64_t input_phase, int point) const {
  const auto count = static_cast<int64_t>(taps.size()) / output_phases;
  return std::any_of(taps.begin() + output_phase * count, taps.begin() + (output_phase + 1) * count, [&](Tap tap) {
    if (tap.place < 0 || tap.input_phase != input_phase) return false;
    return point == 0 ? tap.place == 0 : point == 5 ? tap.place == 2 : true;
  });
}

Axis forward_axis(const Conv2dAxis& geometry, int64_t kernel, const Conv2dOptions& options, PadMode mode) {
  const int64_t before = geometry.before, stride = options.stride, subs = options.dilation;
  Axis axis{.subs = subs, .input_phases = stride};
  const int64_t first = stride == 1 ? 0 : strided_first(kernel, floor_half(-before));
  for (int64_t t = 0; t < kernel; ++t) {
    if (stride == 1) {
      axis.taps.push_back({t, 0});
    } else {
      axis.taps.push_back({floor_half(t - before) - first, (t - before) - 2 * floor_half(t - before)});
    }
  }
  return tabulated(
      axis, geometry.in, geometry.out, mode,
      [=](int64_t sub, int64_t phase, int64_t p) {
        return stride == 1 ? subs * p + sub - before : 2 * (p + first) + phase;
      },
      [=](int64_t sub, int64_t, int64_t v) { return subs * v + sub; });
}

Axis input_axis(const Conv2dAxis& geometry, int64_t kernel, const Conv2dOptions& options) {
  const int64_t before = geometry.before, stride = options.stride, subs = options.dilation;
  Axis axis{.subs = subs, .output_phases = stride};
  // Tap t brings output o of the convolution to position o * stride + t * dilation - before.
  const int64_t first = stride == 1 ? 0 : strided_first(kernel, -floor_half(kernel - 1 - before));
  for (int64_t phase = 0; phase < stride; ++phase) {
    for (int64_t t = 0; t < kernel; ++t) {
      const int64_t reach = phase + before - t;
      if (stride == 1) {
        axis.taps.push_back({2 - t, 0});
      } else {
        axis.taps.push_back(reach % 2 == 0 ? Axis::Tap{floor_half(reach) - first, 0} : Axis::Tap{});
      }
    }
  }
  return tabulated(
      axis, geometry.out, geometry.in, PadMode::zero,
      [=](int64_t sub, int64_t, int64_t p) { return stride == 1 ? subs * p + sub - (2 * subs - before) : p + first; },
      [=](int64_t sub, int64_t phase, int64_t v) { return stride == 1 ? subs * v + sub : 2 * v + phase; });
}

Axis upsampled_axis(int64_t n, PadMode mode) {
  Axis axis{.output_phases = 2};
  for (int64_t phase = 0; phase < 2; ++phase) {
    for (int64_t t = 0; t < 3; ++t) axis.taps.push_back({floor_half(phase + t - 1) + 1, 0});
  }
  return tabulated(
      axis, n, 2 * n, mode, [](int64_t, int64_t, int64_t p) { return p - 1; },
      [](int64_t, int64_t phase, int64_t v) { return 2 * v + phase; });
}

}  // namespace lacuna::kernels::winograd
