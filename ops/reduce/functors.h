#pragma once

#include <cstdint>

#include "tensor/functor.h"

/// Reductions of one row, host+device.
namespace lacuna::functors {

/// Position of the first largest of n >= 1 elements that lie `stride` apart. A NaN counts as the largest, so that it
/// shows.
template <class T>
LACUNA_HD int32_t argmax(const T* x, int64_t n, int64_t stride) {
  int64_t best = 0;
  T largest = x[0];
  for (int64_t i = 1; i < n && largest == largest; ++i) {
    const T v = x[i * stride];
    if (v > largest || v != v) {
      largest = v;
      best = i;
    }
  }
  return static_cast<int32_t>(best);
}

}  // namespace lacuna::functors
