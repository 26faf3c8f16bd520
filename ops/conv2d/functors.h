#pragma once

#include <cstdint>

#include "tensor/functor.h"

namespace lacuna::functors {

/// y (16,9): see kernels::tap_places.
template <class T>
struct TapPlaces {
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t tap = i % 9, place = i / 9;
    // Row 2p + t - 1 of the doubled picture's convolution reads, by tap r, row (2p + t + r - 2) / 2 of the picture,
    // rounded down.
    const bool row = (place / 4 + tap / 3) / 2 == 1, column = (place % 4 + tap % 3) / 2 == 1;
    y[i] = row && column ? T(1) : T(0);
  }
};

}  // namespace lacuna::functors
