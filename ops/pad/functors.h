#pragma once

#include "ops/pad/pad.h"

namespace lacuna::functors {

/// Calls f(p) for every position p in [-before, n + after) where the axis of n elements, continued by mirroring, reads
/// element i: the inverse of padded_source, always in the same order. These are i and its mirror image, each once a
/// period.
template <class F>
LACUNA_HD void for_each_reader(int64_t i, int64_t n, int64_t before, int64_t after, PadMode mode, F f) {
  const bool reflect = mode == PadMode::reflect;
  const int64_t period = n == 1 ? 1 : (reflect ? 2 * (n - 1) : 2 * n);
  const int64_t image = reflect ? -i : -1 - i;
  const auto visit = [&](int64_t p) {
    for (p -= (p + before) / period * period; p < n + after; p += period) f(p);
  };
  visit(i);
  if ((i - image) % period != 0) visit(image + period);
}

}  // namespace lacuna::functors
