#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/random/random.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

double moment(const std::vector<double>& x, int order) {
  double sum = 0;
  for (double v : x) sum += std::pow(v, order);
  return sum / static_cast<double>(x.size());
}

}  // namespace

// philox4x32-10 in kat_vectors of Random123 1.14 (D. E. Shaw Research).
TEST_CASE("random: Philox gives the published known answers") {
  const auto words = [](uint64_t seed, uint64_t draw, uint64_t element) {
    const Philox::Word4 w = Philox{seed, draw}.words(element);
    return std::vector<uint32_t>(w.v, w.v + 4);
  };
  CHECK(words(0, 0, 0) == std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(UINT64_MAX, UINT64_MAX, UINT64_MAX) ==
        std::vector<uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // Counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0: the digits of pi.
  CHECK(words(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        std::vector<uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: the moments of the uniform and the normal distribution") {
  const int64_t n = 200000;
  const double five_sigma = 5 / std::sqrt(static_cast<double>(n));  // times the deviation of the quantity averaged
  for (DType type : {DType::f32, DType::f64}) {
    const std::vector<double> u = random_uniform({n}, {7, 1}, -1, 1, type).to_vector();
    CHECK(*std::min_element(u.begin(), u.end()) >= -1);
    CHECK(*std::max_element(u.begin(), u.end()) < 1);
    CHECK(std::abs(moment(u, 1)) <= five_sigma * std::sqrt(1.0 / 3));
    CHECK(std::abs(moment(u, 2) - 1.0 / 3) <= five_sigma * std::sqrt(1.0 / 5 - 1.0 / 9));
    CHECK(std::abs(moment(u, 4) - 1.0 / 5) <= five_sigma * std::sqrt(1.0 / 9 - 1.0 / 25));

    const std::vector<double> z = random_normal({n}, {7, 2}, type).to_vector();
    CHECK(std::abs(moment(z, 1)) <= five_sigma);
    CHECK(std::abs(moment(z, 2) - 1) <= five_sigma * std::sqrt(2.0));
    CHECK(std::abs(moment(z, 3)) <= five_sigma * std::sqrt(15.0));
    CHECK(std::abs(moment(z, 4) - 3) <= five_sigma * std::sqrt(96.0));
    double neighbours = 0;
    for (size_t i = 1; i < z.size(); ++i) neighbours += z[i] * z[i - 1];
    CHECK(std::abs(neighbours / static_cast<double>(n)) <= five_sigma);
  }
}

TEST_CASE("random: element i depends on seed, draw and i alone") {
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor u = random_uniform({50000}, {3, 4}), z = random_normal({50000}, {3, 4});
  set_num_threads(4);
  CHECK(test::same_bits(random_uniform({50000}, {3, 4}), u));
  CHECK(test::same_bits(random_normal({50000}, {3, 4}), z));
  set_num_threads(threads);

  const Tensor shorter = random_normal({10, 20}, {3, 4});
  for (int64_t i = 0; i < shorter.numel(); ++i) CHECK(shorter.at(i) == z.at(i));
  CHECK_FALSE(test::same_bits(random_uniform({50000}, {3, 5}), u));
  CHECK_FALSE(test::same_bits(random_uniform({50000}, {4, 4}), u));
  for (int64_t i = 0; i < 100; ++i) {
    CHECK(random_uniform({100}, {3, 4}, 2, 5, DType::f64).at(i) ==
          2 + 3 * Philox{3, 4}.uniform(static_cast<uint64_t>(i)));
  }
}

TEST_CASE("random: rounding never reaches the upper bound") {
  const double lo = 16777216, hi = 16777218;  // neighbours in f32
  for (double v : random_uniform({1000}, {1, 1}, lo, hi).to_vector()) CHECK(v == lo);
}

TEST_CASE("random: errors name the op") {
  CHECK(test::error_of([] { random_uniform({2}, {}, 1, 1); }) == "[random_uniform] the range [1, 1) is empty");
  CHECK(test::error_of([] { random_normal({2}, {}, DType::u8); }) == "[random_normal] works on f32 and f64, not u8");
}

}  // namespace lacuna
