#pragma once

#include <cstdint>

#include "tensor/functor.h"

/// Where the elements of a resized axis come from. Sources never decrease with the position, so that the positions
/// which read one source are a range; both directions are written in integers and are exact.
namespace lacuna::functors {

/// The source of position i of an axis of `in` elements resized to `out`.
LACUNA_HD inline int64_t nearest_source(int64_t i, int64_t in, int64_t out, bool align_corners) {
  if (!align_corners) return i * in / out;
  if (out == 1) return 0;
  return (2 * i * (in - 1) + (out - 1)) / (2 * (out - 1));  // i (in - 1) / (out - 1), half rounded up
}

/// The first position whose source is at least s, for 0 <= s <= in; `out` if there is none.
LACUNA_HD inline int64_t nearest_first(int64_t s, int64_t in, int64_t out, bool align_corners) {
  if (s == 0) return 0;
  if (s == in) return out;
  if (!align_corners) return (s * out + in - 1) / in;
  if (out == 1) return 1;
  return ((2 * s - 1) * (out - 1) + 2 * (in - 1) - 1) / (2 * (in - 1));
}

/// A position between two neighbouring sources: x[lo] + fraction * (x[hi] - x[lo]).
struct BilinearTap {
  int64_t lo, hi;
  double fraction;

  /// The weight of source s.
  LACUNA_HD double weight(int64_t s) const { return (s == lo ? 1 - fraction : 0) + (s == hi ? fraction : 0); }
};

LACUNA_HD inline BilinearTap bilinear_tap(int64_t i, int64_t in, int64_t out, bool align_corners) {
  // The position is numerator / denominator, kept within [0, in - 1].
  const int64_t denominator = align_corners ? (out > 1 ? out - 1 : 1) : 2 * out;
  int64_t numerator = align_corners ? (out > 1 ? i * (in - 1) : 0) : (2 * i + 1) * in - out;
  if (numerator < 0) numerator = 0;
  if (numerator > (in - 1) * denominator) numerator = (in - 1) * denominator;
  const int64_t lo = numerator / denominator, rest = numerator % denominator;
  return {lo, rest > 0 ? lo + 1 : lo, static_cast<double>(rest) / static_cast<double>(denominator)};
}

}  // namespace lacuna::functors
