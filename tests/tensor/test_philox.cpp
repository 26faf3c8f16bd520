#include <array>
#include <cmath>

#include "tensor/philox.h"
#include "tests/support/compare.h"

namespace lacuna {

TEST_CASE("philox: the known answers of Random123 (kat_vectors, philox4x32-10)") {
  using Words = std::array<uint32_t, 4>;
  const auto words = [](uint64_t seed, uint64_t draw, uint64_t element) {
    const Philox::Word4 w = Philox{seed, draw}.words(element);
    return Words{w.v[0], w.v[1], w.v[2], w.v[3]};
  };
  CHECK(words(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(~0ull, ~0ull, ~0ull) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: uniform numbers lie in [0, 1) with the moments of the uniform law") {
  const Philox random{.seed = 3, .draw = 4};
  constexpr int n = 20000;
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < n; ++i) {
    const double u = random.uniform(i);
    CHECK_FALSE(!(u >= 0 && u < 1));
    sum += u;
    squares += u * u;
  }
  const double deviation = 5 / std::sqrt(12.0 * n);  // five standard deviations of the mean
  CHECK(std::abs(sum / n - 0.5) < deviation);
  CHECK(std::abs(squares / n - 1.0 / 3) < 2 * deviation);
}

TEST_CASE("philox: integers below n reach every value and no other") {
  const Philox random{.seed = 3, .draw = 5};
  std::array<int, 7> counts{};
  for (uint64_t i = 0; i < 7000; ++i) ++counts.at(random.below(i, 7));
  for (int count : counts) CHECK(std::abs(count - 1000) < 150);
  CHECK(random.below(0, 1) == 0);
}

}  // namespace lacuna
