#include <cmath>

#include "autograd/gradcheck.h"
#include "ops/cases.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "train/ssim.h"

namespace lacuna {
namespace {

/// SSIM at one pixel, as its definition says: weighted moments of the 11x11 window, mirrored at the border.
double ssim_at(const Tensor& a, const Tensor& b, int64_t pixel) {
  const int64_t height = a.dim(1), width = a.dim(2), row = pixel / width % height, column = pixel % width;
  const int64_t first = pixel - pixel % (height * width);
  const auto mirrored = [](int64_t i, int64_t n) { return i < 0 ? -i : (i >= n ? 2 * (n - 1) - i : i); };
  double total = 0, ma = 0, mb = 0, va = 0, vb = 0, cov = 0;
  for (const bool centred : {false, true}) {
    for (int64_t dy = -5; dy <= 5; ++dy) {
      for (int64_t dx = -5; dx <= 5; ++dx) {
        const double w = std::exp(-static_cast<double>(dy * dy + dx * dx) / (2 * 1.5 * 1.5));
        const int64_t at = first + mirrored(row + dy, height) * width + mirrored(column + dx, width);
        const double x = a.at(at), y = b.at(at);
        if (!centred) {
          total += w;
          ma += w * x;
          mb += w * y;
        } else {
          va += w * (x - ma) * (x - ma);
          vb += w * (y - mb) * (y - mb);
          cov += w * (x - ma) * (y - mb);
        }
      }
    }
    if (!centred) {
      ma /= total;
      mb /= total;
    }
  }
  constexpr double c1 = 1e-4, c2 = 9e-4;
  return (2 * ma * mb + c1) * (2 * cov / total + c2) / ((ma * ma + mb * mb + c1) * (va / total + vb / total + c2));
}

}  // namespace

TEST_CASE("ssim: the map against its definition") {
  const Tensor a = case_values({2, 17, 14, 1}, 1, 0, 1), noise = case_values({2, 17, 14, 1}, 2, 0, 1);
  Tensor b = empty_like(a), expected = empty_like(a);
  for (int64_t i = 0; i < b.numel(); ++i) b.data<double>()[i] = 0.7 * a.at(i) + 0.3 * noise.at(i);
  for (int64_t i = 0; i < b.numel(); ++i) expected.data<double>()[i] = ssim_at(a, b, i);
  CHECK_CLOSE(ssim_map(a, b).value(), expected, 1e-12);
  CHECK_CLOSE(ssim_map(a, a).value(), Tensor::full(a.shape(), 1, DType::f64), 1e-12);
}

TEST_CASE("ssim: f32 at any precision of products is near f64") {
  const Tensor a = case_values({1, 20, 24, 1}, 1, 0.8, 0.9), b = case_values({1, 20, 24, 1}, 2, 0.8, 0.9);
  const Tensor expected = ssim_map(a, b).value();
  for (const Precision p : {Precision::highest, Precision::high, Precision::medium}) {
    const WithPrecision precision(p);
    CHECK_CLOSE(ssim_map(a.to(DType::f32), b.to(DType::f32)).value().to(DType::f64), expected, 1e-3);
  }
}

TEST_CASE("ssim: luma takes [-1,1] to [0,1]") {
  const Tensor x = Tensor::from<double>({1, 1, 4, 3}, {-1, -1, -1, 1, 1, 1, 1, -1, -1, -1, 1, -1});
  CHECK_CLOSE(luma(x).value(), Tensor::from<double>({1, 1, 4, 1}, {0, 1, 0.299, 0.587}), 1e-15);
}

TEST_CASE("ssim: gradients") {
  const Tensor a = case_values({1, 5, 7, 3}, 1), b = case_values({1, 5, 7, 3}, 2);
  const Function map = [](const Variables& v) { return ssim_map(luma(v[0]), luma(v[1])); };
  CHECK(gradcheck(map, {a, b}).max_error() < 1e-6);
  CHECK(gradgradcheck(map, {a, b}).max_error() < 1e-5);
}

TEST_CASE("ssim: errors show the shapes") {
  const Tensor x = Tensor::zeros({1, 4, 4, 3}), grey = Tensor::zeros({1, 4, 4, 1});
  CHECK(test::error_of([&] { luma(grey); }) == "[luma] pictures must be (N,H,W,3), not (1,4,4,1)");
  CHECK(test::error_of([&] { ssim_map(x, x); }) ==
        "[ssim_map] expects grey pictures (N,H,W,1), not (1,4,4,3) and (1,4,4,3)");
}

}  // namespace lacuna
