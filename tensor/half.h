#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace lacuna {

/// The value of an IEEE binary16, exactly.
inline float half_to_float(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  float magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = fraction ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// The IEEE binary16 nearest to x, of two equally near ones the even; beyond the range, infinity.
inline uint16_t float_to_half(float x) {
  const auto sign = static_cast<uint16_t>(std::signbit(x) ? 0x8000 : 0);
  if (std::isnan(x)) return static_cast<uint16_t>(sign | 0x7e00);
  const float magnitude = std::abs(x);
  if (magnitude >= 65520.0F) return static_cast<uint16_t>(sign | 0x7c00);  // half-way from the largest to 2^16
  // In units of the last place: 2^-24 for numbers below 2^-14, else 2^-10 of their power of two.
  const int exponent = magnitude < 0x1p-14F ? -14 : std::ilogb(magnitude);
  const auto units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // Below 2^-14 there is no leading 1 to leave out; a sum that reaches the next power of two carries into the exponent.
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + units));
}

}  // namespace lacuna
