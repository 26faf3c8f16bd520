#include <bit>
#include <cmath>
#include <limits>

#include "tensor/dtype.h"
#include "tests/support/compare.h"

namespace lacuna {

namespace {

/// The nearest bf16 to x by comparing both neighbours in f64, the even one on a tie: finite x only.
uint16_t nearest_even(float x) {
  const uint16_t below = static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16);  // towards zero
  const auto value = [](uint32_t bits) {
    // One step past the largest finite number counts as 2^128, as IEEE 754 rounds.
    return (bits & 0x7fff) == 0x7f80 ? std::ldexp(bits & 0x8000 ? -1.0 : 1.0, 128)
                                     : static_cast<double>(std::bit_cast<float>(bits << 16));
  };
  const uint16_t above = static_cast<uint16_t>(below + 1);
  const double to_below = std::abs(x - value(below)), to_above = std::abs(value(above) - x);
  if (to_below == to_above) return below & 1 ? above : below;
  return to_below < to_above ? below : above;
}

}  // namespace

TEST_CASE("dtype: sizes and names") {
  CHECK(size_of(DType::f32) == 4);
  CHECK(size_of(DType::f64) == 8);
  CHECK(size_of(DType::bf16) == 2);
  CHECK(size_of(DType::i32) == 4);
  CHECK(size_of(DType::u8) == 1);
  CHECK(name_of(DType::bf16) == std::string("bf16"));
  for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::u8}) {
    visit_any(dtype, [&]<class T>(T) {
      CHECK(dtype_of<T>() == dtype);
      CHECK(size_of(dtype) == sizeof(T));
    });
  }
}

TEST_CASE("dtype: visit_float takes f32 and f64 only") {
  int64_t size = 0;
  const auto size_in = [&](DType dtype) { visit_float(dtype, "op", [&]<class T>(T) { size = sizeof(T); }); };
  size_in(DType::f32);
  CHECK(size == 4);
  size_in(DType::f64);
  CHECK(size == 8);
  for (DType dtype : {DType::bf16, DType::i32, DType::u8}) {
    CHECK(test::error_of([&] { size_in(dtype); }) == std::string("[op] works on f32 and f64, not ") + name_of(dtype));
  }
}

TEST_CASE("dtype: bf16 widens exactly and comes back") {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    bf16 half;
    half.bits = static_cast<uint16_t>(bits);
    const float wide = static_cast<float>(half);
    CHECK_FALSE(std::bit_cast<uint32_t>(wide) != bits << 16);
    if (std::isnan(wide)) {
      CHECK_FALSE(!std::isnan(static_cast<float>(bf16(wide))));
    } else {
      CHECK_FALSE(bf16(wide).bits != bits);
    }
  }
}

TEST_CASE("dtype: bf16 rounds to nearest, ties to even") {
  CHECK(bf16(1.0f).bits == 0x3f80);
  CHECK(bf16(1.0f + 0x1p-8f).bits == 0x3f80);             // a tie, down to even
  CHECK(bf16(1.0f + 0x3p-8f).bits == 0x3f82);             // a tie, up to even
  CHECK(bf16(1.0f + 0x1p-8f + 0x1p-23f).bits == 0x3f81);  // just above the tie
  CHECK(bf16(-1.0f - 0x3p-8f).bits == 0xbf82);
  for (uint32_t upper : {0x0000u, 0x0001u, 0x007fu, 0x0080u, 0x3f7fu, 0x3f80u, 0x7f7eu, 0x7f7fu, 0x8000u, 0xff7fu}) {
    for (uint32_t lower : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      const float x = std::bit_cast<float>(upper << 16 | lower);
      CAPTURE(x);
      CHECK(bf16(x).bits == nearest_even(x));
    }
  }
}

TEST_CASE("dtype: bf16 of infinities, NaNs and signed zeros") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(bf16(infinity).bits == 0x7f80);
  CHECK(bf16(-infinity).bits == 0xff80);
  CHECK(bf16(std::numeric_limits<float>::max()).bits == 0x7f80);
  CHECK(bf16(0.0f).bits == 0);
  CHECK(bf16(-0.0f).bits == 0x8000);
  CHECK(bf16(std::numeric_limits<float>::denorm_min()).bits == 0);
  // NaNs whose payload lies in the lower half alone must not become an infinity, nor carry over into a number.
  for (uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffffffffu}) {
    const bf16 nan(std::bit_cast<float>(bits));
    CHECK(std::isnan(static_cast<float>(nan)));
    CHECK((nan.bits & 0x8000) == (bits >> 16 & 0x8000));
  }
}

}  // namespace lacuna
