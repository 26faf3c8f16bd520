#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/half.h"
#include "tests/support/compare.h"

namespace lacuna {

TEST_CASE("half: every number that is one comes back with its bits") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) {
      CHECK(std::isnan(half_to_float(float_to_half(value))));
    } else if (float_to_half(value) != half) {
      FAIL("0x" << std::hex << bits);
    }
  }
}

TEST_CASE("half: between two neighbours to the nearer one, from the middle to the even one") {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    const float low = half_to_float(bits), high = half_to_float(static_cast<uint16_t>(bits + 1));
    const float middle = (low + high) / 2;  // exact: one more bit than a half has
    const auto even = static_cast<uint16_t>(bits + bits % 2), above = static_cast<uint16_t>(bits + 1);
    const bool right = float_to_half(middle) == even && float_to_half(std::nextafter(middle, 0.0F)) == bits &&
                       float_to_half(std::nextafter(middle, 1e9F)) == above &&
                       float_to_half(-middle) == (even | 0x8000);
    if (!right) FAIL("between 0x" << std::hex << bits << " and the next");
  }
}

TEST_CASE("half: the ends of the range") {
  CHECK(float_to_half(65504.0F) == 0x7bff);
  CHECK(float_to_half(std::nextafter(65520.0F, 0.0F)) == 0x7bff);
  CHECK(float_to_half(65520.0F) == 0x7c00);
  CHECK(float_to_half(-INFINITY) == 0xfc00);
  CHECK(float_to_half(0x1p-25F) == 0);
  CHECK(float_to_half(-0x1p-30F) == 0x8000);
  CHECK(float_to_half(std::numeric_limits<float>::denorm_min()) == 0);
}

}  // namespace lacuna
