#pragma once

#include <cstdint>

#include "tensor/functor.h"
#include "tensor/index_divider.h"

/// Where the elements of a resized axis come from. Sources never decrease with the position, so that the positions
/// which read one source are a range; both directions are written in integers and are exact.
namespace lacuna::functors {

/// The source of position i of an axis of `in` elements resized to `out`.
LACUNA_HD inline int64_t nearest_source(int64_t i, int64_t in, int64_t out, bool align_corners) {
  if (!align_corners) return divide(i * in, out);
  if (out == 1) return 0;
  return divide(2 * i * (in - 1) + (out - 1), 2 * (out - 1));  // i (in - 1) / (out - 1), half rounded up
}

/// The first position whose source is at least s, for 0 <= s <= in; `out` if there is none.
LACUNA_HD inline int64_t nearest_first(int64_t s, int64_t in, int64_t out, bool align_corners) {
  if (s == 0) return 0;
  if (s == in) return out;
  if (!align_corners) return divide(s * out + in - 1, in);
  if (out == 1) return 1;
  return divide((2 * s - 1) * (out - 1) + 2 * (in - 1) - 1, 2 * (in - 1));
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
  const int64_t lo = divide(numerator, denominator), rest = numerator - lo * denominator;
  return {lo, rest > 0 ? lo + 1 : lo, static_cast<double>(rest) / static_cast<double>(denominator)};
}

/// The first position whose tap has lo >= s; `out` if there is none.
LACUNA_HD inline int64_t bilinear_first(int64_t s, int64_t in, int64_t out, bool align_corners) {
  if (s <= 0) return 0;
  if (s >= in || (align_corners && out == 1)) return out;
  // The least i with i (in - 1) >= s (out - 1), or with (2 i + 1) in - out >= 2 s out; 1 < in in the former case.
  const int64_t numerator = align_corners ? s * (out - 1) : (2 * s + 1) * out - in;
  const int64_t denominator = align_corners ? in - 1 : 2 * in;
  const int64_t first = numerator <= 0 ? 0 : divide(numerator + denominator - 1, denominator);
  return first < out ? first : out;
}

}  // namespace lacuna::functors
