#pragma once

#include <cstdint>
#include <vector>

#include "ops/conv2d/conv2d.h"
#include "ops/pad/pad.h"

namespace lacuna::kernels::winograd {

/// One axis of a convolution as interleaved convolutions of three taps and stride 1: `subs` of them lie between each
/// other (a dilation's), and in each `input_phases` neighbouring pixels count as one of more channels, as do
/// `output_phases` neighbouring outputs. Such an output v reads the pixels v, v + 1 and v + 2 of its sub-picture.
struct Axis {
  /// Where a tap of the kernel falls: on which of the three places, in which phase of the input; place -1: nowhere.
  struct Tap {
    int64_t place = -1, input_phase = 0;
  };

  int64_t subs = 1, input_phases = 1, output_phases = 1;
  int64_t tiles = 0;                 ///< of four outputs, in each sub-picture
  std::vector<Tap> taps = {};        ///< [output phase][tap of the kernel]
  std::vector<int64_t> source = {};  ///< [sub][input phase][4 tiles + 2]: position of a pixel in the input, -1 for zero
  std::vector<int64_t> target = {};  ///< [sub][output phase][4 tiles]: position of an output, -1 beyond the border

  /// Whether the transform of the taps from an input phase to an output phase has anything at that interpolation point
  /// (0 to 5): at the first it is the tap of the first place alone, at the last that of the last place.
  bool live(int64_t output_phase, int64_t input_phase, int point) const;

  int64_t sources() const { return 4 * tiles + 2; }
  int64_t targets() const { return 4 * tiles; }
};

/// A convolution's axis (ops/conv2d/conv2d.h) of `kernel` taps: stride 1 with 3 taps, or stride 2 with 3, 4 or 5
/// and dilation 1.
Axis forward_axis(const Conv2dAxis& axis, int64_t kernel, const Conv2dOptions& options, PadMode mode);
/// The axis of its input gradient, zeros beyond the border of g.
Axis input_axis(const Conv2dAxis& axis, int64_t kernel, const Conv2dOptions& options);
/// The axis of a 3-tap convolution of n pixels that are first doubled; `mode` continues the n.
Axis upsampled_axis(int64_t n, PadMode mode);

}  // namespace lacuna::kernels::winograd
