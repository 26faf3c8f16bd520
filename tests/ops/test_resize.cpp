#include <algorithm>
#include <cmath>

#include "ops/resize/functors.h"
#include "ops/resize/resize.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

/// The columns that a row 0, 1, ..., in - 1 is resized to.
std::vector<double> resized_row(int64_t in, int64_t out, bool align_corners) {
  Tensor x({1, 1, in, 1}, DType::f64);
  for (int64_t i = 0; i < in; ++i) x.data<double>()[i] = static_cast<double>(i);
  return resize_nearest(x, 1, out, {align_corners}).value().to_vector();
}

/// The definition, pixel by pixel, in floating point.
Tensor bilinear_definition(const Tensor& x, int64_t height, int64_t width, bool align_corners) {
  const int64_t h = x.dim(1), w = x.dim(2), channels = x.dim(3);
  Tensor y({x.dim(0), height, width, channels}, DType::f64);
  const auto position = [=](int64_t i, int64_t in, int64_t out) {
    const double p = align_corners ? (out == 1 ? 0.0 : double(i) * double(in - 1) / double(out - 1))
                                   : (double(i) + 0.5) * double(in) / double(out) - 0.5;
    return std::clamp(p, 0.0, double(in - 1));
  };
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t k = i % channels, c = i / channels % width, r = i / (channels * width) % height;
    const int64_t n = i / (channels * width * height);
    const double pr = position(r, h, height), pc = position(c, w, width);
    double sum = 0;
    for (int64_t sr = 0; sr < h; ++sr) {
      for (int64_t sc = 0; sc < w; ++sc) {
        const double weight =
            std::max(0.0, 1 - std::abs(pr - double(sr))) * std::max(0.0, 1 - std::abs(pc - double(sc)));
        sum += weight * x.data<double>()[((n * h + sr) * w + sc) * channels + k];
      }
    }
    y.data<double>()[i] = sum;
  }
  return y;
}

struct Size {
  int64_t height, width;
};
constexpr Size sizes[] = {{128, 96}, {32, 24}, {64, 48}, {1, 1}, {5, 77}, {190, 3}};

}  // namespace

TEST_CASE("resize: every case in every mode") { test::run_modes(resize_cases()); }

TEST_CASE("resize: nearest with aligned corners doubles evenly and halves past the middle") {
  for (const int64_t n : {1, 2, 3, 8, 64, 171}) {
    const std::vector<double> up = resized_row(n, 2 * n, true), down = resized_row(2 * n, n, true);
    for (int64_t i = 0; i < 2 * n; ++i) CHECK(up[i] == static_cast<double>(i / 2));
    if (n == 1) continue;
    for (int64_t i = 0; i < n; ++i) CHECK(down[i] == static_cast<double>(2 * i + (2 * i >= n - 1 ? 1 : 0)));
  }
  CHECK(resized_row(8, 4, true) == std::vector<double>{0, 2, 5, 7});
  CHECK(resized_row(8, 4, false) == std::vector<double>{0, 2, 4, 6});
  CHECK(resized_row(5, 1, true) == std::vector<double>{0});
  CHECK(resized_row(1, 3, true) == std::vector<double>{0, 0, 0});
}

TEST_CASE("resize: nearest sources are the formulas', and the ranges that read them their inverse") {
  for (int64_t in = 1; in <= 24; ++in) {
    for (int64_t out = 1; out <= 24; ++out) {
      for (const bool align_corners : {true, false}) {
        CAPTURE(in);
        CAPTURE(out);
        const auto first = [=](int64_t s) { return functors::nearest_first(s, in, out, align_corners); };
        for (int64_t i = 0; i < out; ++i) {
          const int64_t s = functors::nearest_source(i, in, out, align_corners);
          // Corners aligned: s - 1/2 <= i (in - 1) / (out - 1) < s + 1/2. Otherwise s <= i in / out < s + 1.
          const int64_t numerator = align_corners ? 2 * i * (in - 1) : i * in;
          const int64_t denominator = align_corners ? out - 1 : out, low = align_corners ? 2 * s - 1 : s;
          if (align_corners && out == 1) {
            CHECK(s == 0);
          } else {
            CHECK(low * denominator <= numerator);
            CHECK(numerator < (low + (align_corners ? 2 : 1)) * denominator);
          }
          CHECK(s < in);
          CHECK(first(s) <= i);
          CHECK(i < first(s + 1));
        }
        CHECK(first(0) == 0);
        CHECK(first(in) == out);
        for (int64_t s = 0; s < in; ++s) CHECK(first(s) <= first(s + 1));
      }
    }
  }
}

TEST_CASE("resize: bilinear against the definition") {
  const Tensor x = case_values({2, 7, 9, 3}, 1);
  for (const Size& size : {Size{14, 18}, Size{3, 4}, Size{7, 9}, Size{1, 1}, Size{20, 1}, Size{1, 5}}) {
    for (const bool align_corners : {true, false}) {
      CHECK_CLOSE(resize_bilinear(x, size.height, size.width, {align_corners}).value(),
                  bilinear_definition(x, size.height, size.width, align_corners), 1e-14);
    }
  }
  const Tensor one = case_values({1, 1, 1, 2}, 2);
  CHECK_CLOSE(resize_bilinear(one, 2, 3).value(), bilinear_definition(one, 2, 3, true), 1e-15);
}

TEST_CASE("resize: the adjoints are the adjoints") {
  const Tensor x = case_values({2, 64, 48, 8}, 3);
  for (const Size& size : sizes) {
    const Tensor y = case_values({2, size.height, size.width, 8}, 4);
    for (const ResizeOptions& options : {ResizeOptions{true}, ResizeOptions{false}}) {
      CHECK(test::inner(resize_nearest(x, size.height, size.width, options).value(), y) ==
            doctest::Approx(test::inner(x, resize_nearest_adjoint(y, 64, 48, options).value())).epsilon(1e-10));
      CHECK(test::inner(resize_bilinear(x, size.height, size.width, options).value(), y) ==
            doctest::Approx(test::inner(x, resize_bilinear_adjoint(y, 64, 48, options).value())).epsilon(1e-10));
    }
  }
}

TEST_CASE("resize: the same bits with any number of threads") {
  const Tensor x = case_values({2, 64, 48, 32}, 5).to(DType::f32);
  const int threads = num_threads();
  std::vector<Tensor> results;
  for (const int t : {1, 4}) {
    set_num_threads(t);
    results.push_back(resize_nearest(x, 128, 96).value());
    results.push_back(resize_nearest_adjoint(x, 32, 24).value());
    results.push_back(resize_bilinear(x, 100, 70).value());
    results.push_back(resize_bilinear_adjoint(x, 33, 20).value());
  }
  set_num_threads(threads);
  for (size_t i = 0; i < 4; ++i) CHECK(test::same_bits(results[i], results[i + 4]));
}

TEST_CASE("resize: nearest works on every element type") {
  const Tensor x = Tensor::from<uint8_t>({1, 1, 2, 1}, {7, 250});
  CHECK(resize_nearest(x, 2, 4).value().to_vector() == std::vector<double>{7, 7, 250, 250, 7, 7, 250, 250});
}

TEST_CASE("resize: errors name the op and the shapes") {
  CHECK(test::error_of([] {
          resize_nearest(Tensor::zeros({4, 4}), 2, 2);
        }) == "[resize_nearest] an image batch (N,H,W,C) with pixels is needed, not (4,4)");
  CHECK(test::error_of([] {
          resize_bilinear(Tensor::zeros({1, 0, 4, 3}), 2, 2);
        }) == "[resize_bilinear] an image batch (N,H,W,C) with pixels is needed, not (1,0,4,3)");
  CHECK(test::error_of([] {
          resize_nearest_adjoint(Tensor::zeros({1, 4, 4, 3}), 0, 2);
        }) == "[resize_nearest_adjoint] the new size must be positive, not 0 x 2");
  CHECK(test::error_of([] {
          resize_bilinear_adjoint(Tensor::zeros({1, 4, 4, 3}, DType::u8), 2, 2);
        }) == "[resize_bilinear_adjoint] works on f32 and f64, not u8");
}

}  // namespace lacuna
