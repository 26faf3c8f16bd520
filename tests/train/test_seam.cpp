#include <algorithm>
#include <cmath>

#include "tests/support/compare.h"
#include "train/seam.h"

namespace lacuna {
namespace {

constexpr int64_t height = 60, width = 80;

/// Values by row and column, the same in each of `channels`.
template <typename F>
Tensor filled_by(int64_t channels, const F& value) {
  Tensor x({1, height, width, channels});
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.data<float>()[i] = static_cast<float>(value(i / channels / width, i / channels % width));
  }
  return x;
}

Tensor box_mask(int64_t top, int64_t left, int64_t rows, int64_t columns) {
  return filled_by(1, [=](int64_t y, int64_t x) {
    return y >= top && y < top + rows && x >= left && x < left + columns ? 1.0 : 0.0;
  });
}

double slope(int64_t y, int64_t x) { return 0.004 * static_cast<double>(x) - 0.002 * static_cast<double>(y); }

/// The largest difference where mask is as said.
double largest_difference(const Tensor& a, const Tensor& b, const Tensor& mask, bool inside) {
  double largest = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    if ((mask.at(i / a.dim(3)) == 1) != inside) continue;
    largest = std::max(largest, std::abs(static_cast<double>(a.data<float>()[i]) - b.data<float>()[i]));
  }
  return largest;
}

}  // namespace

TEST_CASE("blend_seam: a fill that is off by a constant is brought back; known pixels stay bit by bit") {
  const Tensor picture = filled_by(3, slope);
  const Tensor off = filled_by(3, [](int64_t y, int64_t x) { return slope(y, x) + 0.3; });
  for (const Tensor& mask : {box_mask(15, 20, 30, 40), box_mask(0, 50, 25, 30), box_mask(5, 5, 50, 1)}) {
    const Tensor blended = blend_seam(off, picture, mask);
    CHECK(largest_difference(blended, picture, mask, false) == 0);
    CHECK(largest_difference(blended, picture, mask, true) < 0.015);
  }
}

TEST_CASE("blend_seam: the correction is a membrane: it continues a plane") {
  const Tensor picture = filled_by(1, slope), mask = box_mask(10, 10, 40, 60);
  const Tensor blended = blend_seam(Tensor::zeros(picture.shape()), picture, mask);
  CHECK(largest_difference(blended, picture, mask, true) < 0.02);
}

TEST_CASE("blend_seam: what the network returns of known pixels and just beside them does not show") {
  const Tensor picture = filled_by(3, slope), mask = box_mask(15, 20, 30, 40);
  const Tensor step = filled_by(3, [](int64_t y, int64_t x) {
    const bool inner = y >= 17 && y < 43 && x >= 22 && x < 58;
    return inner ? slope(y, x) + 0.3 : 0.9;
  });
  CHECK(largest_difference(blend_seam(step, picture, mask), picture, mask, true) < 0.025);
}

TEST_CASE("blend_seam: the fill's own structure stays, within the range of colours") {
  const Tensor picture = filled_by(1, [](int64_t, int64_t) { return 0.5; }), mask = box_mask(10, 10, 40, 60);
  const auto stripes = [](int64_t, int64_t x) { return x % 8 < 4 ? 0.4 : -0.4; };
  const Tensor blended = blend_seam(filled_by(1, stripes), picture, mask);
  const float* row = blended.data<float>() + 30 * width;
  CHECK(row[36] - row[32] == doctest::Approx(-0.8).epsilon(0.05));
  CHECK(test::error_of([&] {
          blend_seam(picture, picture, Tensor::zeros({1, 2, 2, 1}));
        }).starts_with("[blend_seam] generated (1,60,80,1), picture (1,60,80,1) and mask (1,2,2,1)"));
  const Tensor bright =
      blend_seam(Tensor::zeros(picture.shape()), filled_by(1, [](int64_t, int64_t) { return 1.0; }), mask);
  for (int64_t i = 0; i < bright.numel(); ++i) CHECK(bright.data<float>()[i] <= 1);
}

}  // namespace lacuna
