#pragma once

#include <cmath>
#include <numbers>

#include "tensor/philox.h"

namespace lacuna {

/// A sequence of random numbers read from Philox elements first, first + 1, ...: for code that draws one number after
/// another and does not know how many.
class Draws {
 public:
  explicit Draws(const Philox& random, uint64_t first = 0) : random_(random), next_(first) {}

  /// Uniform in [lo, hi).
  double uniform(double lo = 0, double hi = 1) { return lo + (hi - lo) * random_.uniform(next_++); }
  /// Uniform integer in [lo, hi], both ends included; lo <= hi.
  int64_t integer(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(random_.below(next_++, static_cast<uint64_t>(hi - lo + 1)));
  }
  /// Standard normal (Box-Muller).
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  Philox random_;
  uint64_t next_;
};

}  // namespace lacuna
