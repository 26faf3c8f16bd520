#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/philox.h"

/// Random numbers for one element, host+device.
namespace lacuna::functors {

/// Standard normal by Box-Muller from the element's two 53-bit uniforms u1, u2: sqrt(-2 ln(1 - u1)) cos(2 pi u2).
LACUNA_HD inline double random_normal(const Philox& random, uint64_t element) {
  const Philox::Word4 w = random.words(element);
  const double u1 = static_cast<double>((static_cast<uint64_t>(w.v[0]) << 32 | w.v[1]) >> 11) * 0x1.0p-53;
  const double u2 = static_cast<double>((static_cast<uint64_t>(w.v[2]) << 32 | w.v[3]) >> 11) * 0x1.0p-53;
  return std::sqrt(-2 * std::log1p(-u1)) * std::cos(6.283185307179586 * u2);
}

template <class T>
struct RandomNormal {
  Philox random;
  T* y;

  LACUNA_HD void operator()(int64_t i) const { y[i] = static_cast<T>(random_normal(random, static_cast<uint64_t>(i))); }
};

/// Uniform in [lo, hi), whose largest number of this type is `last`.
template <class T>
struct RandomUniform {
  Philox random;
  double lo, hi;
  T last, *y;

  LACUNA_HD void operator()(int64_t i) const {
    const T v = static_cast<T>(lo + (hi - lo) * random.uniform(static_cast<uint64_t>(i)));
    y[i] = v < last ? v : last;
  }
};

}  // namespace lacuna::functors
