#pragma once

#include <cstdint>

#include "autograd/variable.h"
#include "tensor/functor.h"

namespace lacuna {

enum class PadMode : uint8_t { zero, reflect, symmetric };

/// Where position i of an axis of n elements continued by mirroring reads, for any i: reflect (period 2(n-1)) does not
/// repeat the edge, symmetric (period 2n) does. n >= 1; -1 for mode zero outside.
LACUNA_HD inline int64_t padded_source(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  if (mode == PadMode::zero) return -1;
  if (n == 1) return 0;
  const int64_t period = mode == PadMode::reflect ? 2 * (n - 1) : 2 * n;
  int64_t m = i % period;
  if (m < 0) m += period;
  if (m < n) return m;
  return mode == PadMode::reflect ? period - m : period - 1 - m;
}

/// Rows and columns to add to an NHWC tensor, or to take from it again; none is negative.
struct Padding2d {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

/// x (N,H,W,C) -> (N, top + H + bottom, left + W + right, C), any element type; paddings may exceed the picture, which
/// is then mirrored several times. VJP: unpad.
Variable pad(const Variable& x, const Padding2d& padding, PadMode mode = PadMode::zero);
/// The adjoint of pad: each padded element is added back to where it was read from. VJP: pad. In mode zero this is a
/// crop.
Variable unpad(const Variable& g, const Padding2d& padding, PadMode mode = PadMode::zero);

/// Rows [top, top + height) and columns [left, left + width); must lie within x, of any element type. VJP: pad with
/// zeros.
Variable crop(const Variable& x, int64_t top, int64_t left, int64_t height, int64_t width);

}  // namespace lacuna
