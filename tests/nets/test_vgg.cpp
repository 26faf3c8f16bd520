#include <algorithm>
#include <cmath>

#include "autograd/gradcheck.h"
#include "nets/vgg.h"
#include "ops/cases.h"
#include "ops/reduce/reduce.h"
#include "tests/support/compare.h"
#include "tests/support/tiny_vgg.h"

namespace lacuna {
namespace {

/// relu(convolution with zeros beyond the border + bias) of (H,W,C) values, by its definition.
std::vector<double> convolved(const std::vector<double>& x, int64_t size, int64_t in, const Tensor& w,
                              const Tensor& bias) {
  const int64_t out = w.dim(0);
  std::vector<double> y(static_cast<size_t>(size * size * out));
  for (int64_t i = 0; i < size * size * out; ++i) {
    const int64_t o = i % out, column = i / out % size, row = i / out / size;
    double sum = bias.at(o);
    for (int64_t c = 0; c < in; ++c) {
      for (int64_t t = 0; t < 9; ++t) {
        const int64_t r = row + t / 3 - 1, s = column + t % 3 - 1;
        if (r < 0 || s < 0 || r >= size || s >= size) continue;
        sum += w.at((o * in + c) * 9 + t) * x[static_cast<size_t>((r * size + s) * in + c)];
      }
    }
    y[static_cast<size_t>(i)] = std::max(sum, 0.0);
  }
  return y;
}

std::vector<double> pooled(const std::vector<double>& x, int64_t size, int64_t channels) {
  const int64_t half = size / 2;
  std::vector<double> y(static_cast<size_t>(half * half * channels), -1);
  for (int64_t r = 0; r < 2 * half; ++r) {
    for (int64_t s = 0; s < 2 * half; ++s) {
      for (int64_t c = 0; c < channels; ++c) {
        double& most = y[static_cast<size_t>((r / 2 * half + s / 2) * channels + c)];
        most = std::max(most, x[static_cast<size_t>((r * size + s) * channels + c)]);
      }
    }
  }
  return y;
}

}  // namespace

TEST_CASE("vgg16: features are those of the definition") {
  const auto tensors = test::tiny_vgg(5);
  const Tensor picture = case_values({1, 19, 19, 3}, 1, -1, 1);
  const Variables features = Vgg16(tensors, DType::f64)(picture);
  REQUIRE(features.size() == 4);
  const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
  std::vector<double> x = picture.to_vector();
  for (size_t i = 0; i < x.size(); ++i) x[i] = ((x[i] + 1) / 2 - mean[i % 3]) / deviation[i % 3];
  int64_t size = 19, in = 3;
  size_t k = 0;
  for (size_t block = 0; block < 4; ++block) {
    for (size_t conv = 0; conv < (block < 2 ? 2 : 3); ++conv, ++k) {
      x = convolved(x, size, in, tensors[2 * k].second, tensors[2 * k + 1].second);
      in = tensors[2 * k].second.dim(0);
    }
    CHECK_CLOSE(features[block].value(), Tensor::from<double>({1, size, size, in}, x), 1e-12);
    x = pooled(x, size, in);
    size /= 2;
  }
}

TEST_CASE("vgg16: first and second derivatives in the picture") {
  const Vgg16 vgg(test::tiny_vgg(5), DType::f64);
  const auto last = [&](const Variables& v) { return vgg(v[0])[3]; };
  const Variables picture{case_values({1, 8, 9, 3}, 2, -1, 1)};
  CHECK(gradcheck(last, picture).max_error() < 1e-6);
  CHECK(gradgradcheck(last, picture).max_error() < 1e-5);
}

TEST_CASE("vgg16: errors name what is missing or does not fit") {
  auto tensors = test::tiny_vgg(5);
  const Vgg16 vgg(tensors);
  CHECK(test::error_of([&] {
          vgg(Tensor::zeros({1, 7, 8, 3}));
        }) == "[vgg16] pictures must be (N,H,W,3) of at least 8 x 8 pixels, not (1,7,8,3)");
  tensors[3].second = Tensor::zeros({9});
  CHECK(test::error_of([&] { Vgg16{tensors}; }) ==
        "[vgg16] features.2 has a kernel (2,2,3,3) and a bias (9), not (n,2,3,3) and (n)");
  tensors.pop_back();
  tensors[3].second = Tensor::zeros({2});
  CHECK(test::error_of([&] { Vgg16{tensors}; }) ==
        "[vgg16] there is no tensor features.21.bias; torchvision's vgg16 has features.0.weight, features.0.bias, ...");
}

}  // namespace lacuna
