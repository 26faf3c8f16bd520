#pragma once

#include <cstdint>
#include <vector>

#include "ops/conv2d/conv2d.h"
#include "ops/pad/pad.h"

namespace lacuna::kernels {

/// How a convolution continues its input.
inline PadMode pad_mode(Padding padding) {
  switch (padding) {
    case Padding::reflect:
      return PadMode::reflect;
    case Padding::symmetric:
      return PadMode::symmetric;
    default:
      return PadMode::zero;
  }
}

/// For one axis, which input position each pair (tap, output position) reads: source[tap * out + o], -1 where it reads
/// a zero.
struct AxisGather {
  int64_t taps, out;
  std::vector<int64_t> source;
};

/// Output position o and tap t read position o * stride + offsets[t], continued by `mode` beyond [0, in).
inline AxisGather axis_gather(int64_t in, int64_t out, int64_t stride, const std::vector<int64_t>& offsets,
                              PadMode mode) {
  AxisGather gather{static_cast<int64_t>(offsets.size()), out, {}};
  gather.source.reserve(offsets.size() * static_cast<size_t>(out));
  for (const int64_t offset : offsets) {
    for (int64_t o = 0; o < out; ++o) gather.source.push_back(padded_source(o * stride + offset, in, mode));
  }
  return gather;
}

/// The offsets t * dilation - before of a convolution's taps along one axis.
inline std::vector<int64_t> tap_offsets(int64_t taps, int64_t dilation, int64_t before) {
  std::vector<int64_t> offsets;
  for (int64_t t = 0; t < taps; ++t) offsets.push_back(t * dilation - before);
  return offsets;
}

}  // namespace lacuna::kernels
