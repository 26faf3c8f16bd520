#include "train/ssim.h"

#include <cmath>
#include <vector>

#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/conv2d/conv2d.h"
#include "ops/pointwise/pointwise.h"
#include "tensor/stream.h"

namespace lacuna {
namespace {

constexpr double sigma = 1.5;
constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;

/// A kernel for x whose extent along `axis` alone is not 1, of these weights. It is made where x lies: a copy from the
/// host could not be recorded in a plan.
Variable kernel(const std::vector<double>& weights, int axis, const Variable& x) {
  Variables taps;
  for (const double w : weights) taps.push_back(Tensor::full({1, 1, 1, 1}, w, x.dtype(), x.device()));
  return concat(taps, axis);
}

/// The Gaussian window along one axis.
std::vector<double> window() {
  std::vector<double> weights;
  double total = 0;
  for (int64_t k = -ssim_reach; k <= ssim_reach; ++k) {
    weights.push_back(std::exp(-static_cast<double>(k * k) / (2 * sigma * sigma)));
    total += weights.back();
  }
  for (double& w : weights) w /= total;
  return weights;
}

}  // namespace

Variable luma(const Variable& pictures) {
  check(pictures.rank() == 4 && pictures.dim(3) == 3, "[luma] pictures must be (N,H,W,3), not ", pictures.shape());
  const WithPrecision exact(Precision::highest);
  // Half of each weight and half at the end: [-1,1] becomes [0,1].
  return conv2d(pictures, kernel({0.299 / 2, 0.587 / 2, 0.114 / 2}, 2, pictures)) + 0.5;
}

Variable ssim_map(const Variable& a, const Variable& b) {
  check(a.rank() == 4 && a.dim(3) == 1 && a.shape() == b.shape(), "[ssim_map] expects grey pictures (N,H,W,1), not ",
        a.shape(), " and ", b.shape());
  // A variance is a small difference of large means, which products in bf16 would drown.
  const WithPrecision exact(Precision::highest);
  const Variable down = kernel(window(), 0, a), across = kernel(window(), 1, a);
  const auto local_mean = [&](const Variable& x) {
    const Conv2dOptions mirrored{.padding = Padding::reflect};
    return conv2d(conv2d(x, down, mirrored), across, mirrored);
  };
  const Variable ma = local_mean(a), mb = local_mean(b), mab = ma * mb, squares = square(ma) + square(mb);
  const Variable variances = local_mean(square(a) + square(b)) - squares, covariance = local_mean(a * b) - mab;
  return (2 * mab + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2));
}

}  // namespace lacuna
