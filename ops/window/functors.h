#pragma once

#include <cstdint>

#include "tensor/functor.h"

namespace lacuna::functors {

/// Pixel i of windows of height x width, all channels, from pictures of from_height x from_width.
template <class T>
struct WindowPixel {
  const T* x;
  const int32_t* corners;
  T* y;
  int64_t from_height, from_width, height, width, channels;
  int32_t sign;  // of the corners

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t line = i / width, n = line / height;
    const int64_t row = line - n * height + sign * corners[2 * n],
                  column = i - line * width + sign * corners[2 * n + 1];
    const bool within = row >= 0 && row < from_height && column >= 0 && column < from_width;
    const T* from = x + ((n * from_height + row) * from_width + column) * channels;
    T* to = y + i * channels;
    for (int64_t c = 0; c < channels; ++c) to[c] = within ? from[c] : T(0);
  }
};

}  // namespace lacuna::functors
