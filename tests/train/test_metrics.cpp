#include <algorithm>
#include <cmath>
#include <map>

#include "ops/arithmetic/arithmetic.h"
#include "ops/random/random.h"
#include "tests/support/compare.h"
#include "train/metrics.h"
#include "train/ssim.h"

namespace lacuna {
namespace {

using Named = std::map<std::string, double>;

Named named(const Tensor& truth, const Tensor& completed, const Tensor& mask) {
  const auto metrics = metrics_of(truth, completed, mask);
  return {metrics.begin(), metrics.end()};
}

Tensor noise(const Shape& shape, uint64_t seed) { return random_uniform(shape, Philox{seed, 0}, -1, 1); }

/// 1 in rows [2,5) and columns [3,7) of (1,9,12,1).
Tensor small_hole() {
  Tensor mask = Tensor::zeros({1, 9, 12, 1});
  for (int64_t y = 2; y < 5; ++y) {
    for (int64_t x = 3; x < 7; ++x) mask.data<float>()[y * 12 + x] = 1;
  }
  return mask;
}

}  // namespace

TEST_CASE("metrics: values against the definitions") {
  const Tensor truth = noise({1, 9, 12, 3}, 1), completed = noise({1, 9, 12, 3}, 2), mask = small_hole();
  const Named metrics = named(truth, completed, mask);
  for (const bool hole_only : {true, false}) {
    double l1 = 0, l2 = 0, sum = 0, sum2 = 0, count = 0, dx = 0, dy = 0, dx_count = 0, dy_count = 0;
    const auto unit = [](const Tensor& x, int64_t y, int64_t column, int64_t c) {
      return (x.at((y * 12 + column) * 3 + c) + 1) / 2;
    };
    for (int64_t y = 0; y < 9; ++y) {
      for (int64_t x = 0; x < 12; ++x) {
        if (hole_only && mask.at(y * 12 + x) == 0) continue;
        for (int64_t c = 0; c < 3; ++c) {
          const double a = unit(completed, y, x, c), b = unit(truth, y, x, c);
          l1 += std::abs(a - b);
          l2 += (a - b) * (a - b);
          sum += b;
          sum2 += b * b;
          ++count;
          if (x > 0) {
            dx += std::abs(a - unit(completed, y, x - 1, c));
            ++dx_count;
          }
          if (y > 0) {
            dy += std::abs(a - unit(completed, y - 1, x, c));
            ++dy_count;
          }
        }
      }
    }
    const std::string prefix = hole_only ? "hole_" : "";
    CHECK(metrics.at(prefix + "l1") == doctest::Approx(100 * l1 / count));
    CHECK(metrics.at(prefix + "l2") == doctest::Approx(100 * l2 / count));
    CHECK(metrics.at(prefix + "l1_relative") == doctest::Approx(100 * l1 / sum));
    CHECK(metrics.at(prefix + "l2_relative") == doctest::Approx(100 * l2 / sum2));
    CHECK(metrics.at(prefix + "psnr") == doctest::Approx(-10 * std::log10(l2 / count)));
    CHECK(metrics.at(prefix + "tv") == doctest::Approx(100 * (dx / dx_count + dy / dy_count)));
  }
}

// The figures come from numpy and OpenCV's GaussianBlur, in f64.
TEST_CASE("metrics: of a small pair, as an independent program computes them") {
  constexpr int64_t height = 13, width = 17;
  Tensor truth({1, height, width, 3}), completed({1, height, width, 3}), mask = Tensor::zeros({1, height, width, 1});
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const bool hole = (y >= 3 && y < 10 && x >= 5 && x < 14) || (y == 0 && x == 0);
      const int64_t p = y * width + x;
      mask.data<float>()[p] = hole ? 1.0f : 0.0f;
      for (int64_t c = 0; c < 3; ++c) {
        const int64_t known = (7 * x + 5 * y * y + 31 * c + 3 * x * y) % 256;
        const int64_t filled = (11 * x + 3 * y * y + 31 * c + 4 * x * y) % 256;
        truth.data<float>()[3 * p + c] = static_cast<float>(known) / 127.5f - 1;
        completed.data<float>()[3 * p + c] = static_cast<float>(hole ? filled : known) / 127.5f - 1;
      }
    }
  }
  const Named expected{{"hole_l1", 22.5326797386},
                       {"hole_l2", 11.6992823273},
                       {"hole_l1_relative", 44.8801920182},
                       {"hole_l2_relative", 34.1937775056},
                       {"hole_psnr", 9.31840778497},
                       {"hole_ssim", 0.594092708221},
                       {"hole_tv", 64.1394335512},
                       {"l1", 6.52530091976},
                       {"l2", 3.3880274613},
                       {"l1_relative", 13.1097669665},
                       {"l2_relative", 10.4193805077},
                       {"psnr", 14.700530782},
                       {"ssim", 0.805870406586},
                       {"tv", 55.8264819251}};
  const Named metrics = named(truth, completed, mask);
  CHECK(metrics.size() == expected.size());
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    CHECK(metrics.at(name) == doctest::Approx(value).epsilon(1e-6));
  }
  // OpenCV's own grey pictures are rounded to 8 bits, which makes little difference.
  CHECK(std::abs(metrics.at("ssim") - 0.805818325114) < 1e-3);
}

TEST_CASE("metrics: SSIM of pictures is that of their luma, over the hole that of its pixels") {
  const Tensor truth = noise({1, 9, 12, 3}, 5), completed = noise({1, 9, 12, 3}, 6), mask = small_hole();
  const auto grey = [](const Tensor& x) { return luma(cast(x, DType::f64)); };
  const Tensor map = ssim_map(grey(completed), grey(truth)).value();
  double whole = 0, hole = 0;
  for (int64_t i = 0; i < map.numel(); ++i) {
    whole += map.at(i);
    hole += map.at(i) * mask.at(i);
  }
  const Named metrics = named(truth, completed, mask);
  CHECK(metrics.at("ssim") == doctest::Approx(whole / static_cast<double>(map.numel())));
  CHECK(metrics.at("hole_ssim") == doctest::Approx(hole / 12));
}

TEST_CASE("metrics: of a tall picture, which is gone through in bands of rows, as of the whole") {
  for (const int64_t height : {513, 600}) {
    const Tensor truth = noise({1, height, 7, 3}, 5), completed = noise({1, height, 7, 3}, 6);
    const auto grey = [](const Tensor& x) { return luma(cast(x, DType::f64)); };
    const std::vector<double> map = ssim_map(grey(completed), grey(truth)).value().to_vector();
    const std::vector<double> x = completed.to_vector();
    double whole = 0, across = 0, down = 0;
    for (const double s : map) whole += s;
    for (size_t i = 0; i < x.size(); ++i) {
      if (i % 21 >= 3) across += std::abs(x[i] - x[i - 3]) / 2;
      if (i >= 21) down += std::abs(x[i] - x[i - 21]) / 2;
    }
    const auto rows = static_cast<double>(height);
    const Named metrics = named(truth, completed, Tensor::zeros({1, height, 7, 1}));
    CHECK(metrics.at("ssim") == doctest::Approx(whole / (rows * 7)).epsilon(1e-12));
    CHECK(metrics.at("tv") == doctest::Approx(100 * (across / (rows * 18) + down / ((rows - 1) * 21))).epsilon(1e-12));
  }
}

TEST_CASE("metrics: a perfect result") {
  const Tensor truth = noise({1, 9, 12, 3}, 7);
  const Named metrics = named(truth, truth, small_hole());
  for (const std::string prefix : {"", "hole_"}) {
    CHECK(metrics.at(prefix + "l1") == 0);
    CHECK(metrics.at(prefix + "l2_relative") == 0);
    CHECK(metrics.at(prefix + "psnr") == doctest::Approx(120));
    CHECK(metrics.at(prefix + "ssim") == doctest::Approx(1));
  }
}

TEST_CASE("metrics: no hole, one pixel, and other borderline pictures") {
  const Tensor truth = noise({1, 9, 12, 3}, 8);
  const Named metrics = named(truth, truth, Tensor::zeros({1, 9, 12, 1}));
  CHECK(metrics.contains("l1"));
  CHECK_FALSE(metrics.contains("hole_l1"));
  const Tensor black = Tensor::full({1, 1, 1, 3}, -1), white = Tensor::full({1, 1, 1, 3}, 1);
  const Named pixel = named(black, white, Tensor::full({1, 1, 1, 1}, 1));
  CHECK(std::all_of(pixel.begin(), pixel.end(), [](const auto& m) { return std::isfinite(m.second); }));
  CHECK(pixel.at("l1") == doctest::Approx(100));
  CHECK(pixel.at("psnr") == doctest::Approx(0));
  CHECK(pixel.at("tv") == 0);
}

TEST_CASE("metrics: errors show the shapes") {
  const Tensor x = Tensor::zeros({1, 4, 4, 3}), mask = Tensor::zeros({1, 4, 4, 1});
  CHECK(test::error_of([&] {
          metrics_of(x, Tensor::zeros({1, 4, 5, 3}), mask);
        }) == "[metrics] expects two pictures (1,H,W,3) and a mask (1,H,W,1), not (1,4,4,3), (1,4,5,3) and (1,4,4,1)");
}

}  // namespace lacuna
