#pragma once

#include <cstdint>

#include "tensor/functor.h"

namespace lacuna::functors {

/// y (36,9): 1 where a tap falls on a place in a phase, else 0; rows (place, phase), either as (row, column).
template <class T>
struct TapPlaces {
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t tap = i % 9, phase = i / 9 % 4, place = i / 36;
    // Of the doubled picture's rows around 2i + phase, that of tap t belongs to row i + (phase + t - 1) / 2, rounded
    // down.
    const int64_t row = (phase / 2 + tap / 3 + 1) / 2, column = (phase % 2 + tap % 3 + 1) / 2;
    y[i] = place == row * 3 + column ? T(1) : T(0);
  }
};

}  // namespace lacuna::functors
