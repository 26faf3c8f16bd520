#pragma once

#include <cstdint>

#include "tensor/functor.h"
#include "tensor/index_divider.h"

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

/// The elements of a tensor as lines along an axis of n, `stride` elements apart on it.
struct Lines {
  IndexDivider n, stride;
};

/// y[i] = element index[i] of line i.
template <class T>
struct Pick {
  Lines lines;
  const T* x;
  const int32_t* index;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    int64_t block = i;
    const int64_t within = lines.stride.split(block);
    y[i] = x[(block * lines.n.divisor() + index[i]) * lines.stride.divisor() + within];
  }
};

/// y[i] = 1 for element index[line] of every line, else 0.
template <class T>
struct OneHot {
  Lines lines;
  const int32_t* index;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    int64_t block = i;
    const int64_t within = lines.stride.split(block), position = lines.n.split(block);
    y[i] = position == index[block * lines.stride.divisor() + within] ? T(1) : T(0);
  }
};

}  // namespace lacuna::functors
