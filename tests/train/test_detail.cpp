#include <algorithm>
#include <cmath>

#include "tests/support/compare.h"
#include "train/detail.h"

namespace lacuna {
namespace {

/// Grey, with fine checks left of column 64 and smooth beyond.
Image half_textured() {
  Image image{128, 128, 3, 8, {}};
  for (int64_t y = 0; y < 128; ++y) {
    for (int64_t x = 0; x < 128; ++x) {
      const auto value = static_cast<uint16_t>(x >= 64 ? 128 : (x + y) % 2 == 0 ? 148 : 108);
      image.samples.insert(image.samples.end(), 3, value);
    }
  }
  return image;
}

/// Rows 32 to 96 and columns 72 to 120: within the smooth half.
Tensor hole() {
  Tensor mask = Tensor::zeros({1, 128, 128, 1});
  for (int64_t y = 32; y < 96; ++y) std::fill_n(mask.data<float>() + y * 128 + 72, 48, 1.0f);
  return mask;
}

/// At half the size there are 8 x 8 positions; each takes from `columns` to its left.
Tensor leftwards(int32_t columns) {
  Tensor offsets({1, 8, 8, 2}, DType::i32);
  for (int32_t i = 0; i < 64; ++i) {
    offsets.data<int32_t>()[2 * i] = i / 8;
    offsets.data<int32_t>()[2 * i + 1] = std::max(i % 8 - columns, 0);
  }
  return offsets;
}

/// The mean absolute value in rows [40, 88) and columns [first, last).
double mean_size(const Tensor& x, int64_t first, int64_t last) {
  double sum = 0;
  for (int64_t y = 40; y < 88; ++y) {
    for (int64_t i = 3 * (y * 128 + first); i < 3 * (y * 128 + last); ++i) sum += std::abs(x.data<float>()[i]);
  }
  return sum / static_cast<double>(48 * 3 * (last - first));
}

}  // namespace

TEST_CASE("detail_by_attention: a hole has the texture of where it looks, and known pixels none") {
  const Tensor detail = detail_by_attention(half_textured(), hole(), leftwards(4), 64, 64, 2);
  const double texture = 20.0 / 127.5;
  CHECK(mean_size(detail, 80, 112) == doctest::Approx(texture).epsilon(0.1));
  CHECK(mean_size(detail, 0, 72) == 0);
  // What lies 64 pixels to the left: the same phase of the checks.
  const float here = detail.data<float>()[3 * (60 * 128 + 100)], beside = detail.data<float>()[3 * (60 * 128 + 101)];
  CHECK(here > 0.1);
  CHECK(beside < -0.1);
}

TEST_CASE("detail_by_attention: smooth surroundings give none, nor does what is unknown or outside") {
  CHECK(mean_size(detail_by_attention(half_textured(), hole(), leftwards(0), 64, 64, 2), 72, 120) == 0);
  CHECK(test::error_of([] {
          detail_by_attention(half_textured(), Tensor::zeros({1, 8, 8, 1}), leftwards(1), 64, 64, 2);
        }).starts_with("[detail_by_attention] mask (1,8,8,1)"));
}

TEST_CASE("detail_by_attention: an edge that stands out is not copied with its full strength") {
  Image image = half_textured();
  for (int64_t y = 0; y < 128; ++y) std::fill_n(image.samples.begin() + 3 * (y * 128 + 36), 3, uint16_t{255});
  const Tensor detail = detail_by_attention(image, hole(), leftwards(4), 64, 64, 2);
  CHECK(*std::max_element(detail.data<float>(), detail.data<float>() + detail.numel()) < 0.45f);
}

// All positions look at the same place, as they tend to: were each to take the texture of that place, it would come
// back every 16 pixels.
TEST_CASE("detail_by_attention: positions that look at one place do not repeat its texture side by side") {
  Image image = half_textured();
  uint32_t state = 1;
  for (int64_t p = 0; p < 128 * 128; ++p) {
    state = state * 1664525 + 1013904223;
    if (p % 128 < 64) std::fill_n(image.samples.begin() + 3 * p, 3, state >> 31 ? 148 : 108);
  }
  Tensor offsets({1, 8, 8, 2}, DType::i32);
  for (int32_t i = 0; i < 64; ++i) {
    offsets.data<int32_t>()[2 * i] = 4;
    offsets.data<int32_t>()[2 * i + 1] = 2;
  }
  const Tensor detail = detail_by_attention(image, hole(), offsets, 64, 64, 2);
  double same = 0, size = 0;
  for (int64_t y = 40; y < 88; ++y) {
    for (int64_t x = 76; x < 100; ++x) {
      const float* d = detail.data<float>() + 3 * (y * 128 + x);
      same += d[0] * d[3 * 16];
      size += d[0] * d[0];
    }
  }
  CHECK(size > 0);
  CHECK(same / size < 0.5);
}

}  // namespace lacuna
