#include "train/metrics.h"

#include <algorithm>
#include <cmath>

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "train/ssim.h"

namespace lacuna {
namespace {

/// Mean of what was added; 0 of nothing.
struct Mean {
  double sum = 0, count = 0;

  void add(double x) {
    sum += x;
    ++count;
  }
  double operator()() const { return count > 0 ? sum / count : 0; }
};

}  // namespace

std::vector<std::pair<std::string, double>> metrics_of(const Variable& truth, const Variable& completed,
                                                       const Variable& mask) {
  const Shape& shape = truth.shape();
  check(shape.rank() == 4 && shape[0] == 1 && shape[3] == 3 && completed.shape() == shape &&
            mask.shape() == Shape{1, shape[1], shape[2], 1},
        "[metrics] expects two pictures (1,H,W,3) and a mask (1,H,W,1), not ", shape, ", ", completed.shape(), " and ",
        mask.shape());
  const int64_t height = shape[1], width = shape[2];
  const NoGrad no_grad;
  Variable a = cast(completed, DType::f64), b = cast(truth, DType::f64);
  const Tensor map = ssim_map(luma(a), luma(b)).value();
  a = affine(a, 0.5, 0.5), b = affine(b, 0.5, 0.5);
  const Tensor holes = mask.value().to(DType::f64);
  const double *x = a.value().data<double>(), *y = b.value().data<double>(), *hole = holes.data<double>();
  const double* similarity = map.data<double>();

  std::vector<std::pair<std::string, double>> metrics;
  const auto measure = [&](const std::string& prefix, auto counts) {
    Mean l1, l2, truth_l1, truth_l2, ssim, horizontal, vertical;
    for (int64_t p = 0; p < height * width; ++p) {
      if (!counts(p)) continue;
      ssim.add(similarity[p]);
      for (int64_t e = 3 * p; e < 3 * p + 3; ++e) {
        l1.add(std::abs(x[e] - y[e]));
        l2.add((x[e] - y[e]) * (x[e] - y[e]));
        truth_l1.add(std::abs(y[e]));
        truth_l2.add(y[e] * y[e]);
        if (p % width > 0) horizontal.add(std::abs(x[e] - x[e - 3]));
        if (p >= width) vertical.add(std::abs(x[e] - x[e - 3 * width]));
      }
    }
    if (ssim.count == 0) return;
    constexpr double least = 1e-12;  // keeps the figures finite for equal and for black pictures
    metrics.emplace_back(prefix + "l1", 100 * l1());
    metrics.emplace_back(prefix + "l2", 100 * l2());
    metrics.emplace_back(prefix + "l1_relative", 100 * l1.sum / std::max(truth_l1.sum, least));
    metrics.emplace_back(prefix + "l2_relative", 100 * l2.sum / std::max(truth_l2.sum, least));
    metrics.emplace_back(prefix + "psnr", 10 * std::log10(1 / std::max(l2(), least)));
    metrics.emplace_back(prefix + "ssim", ssim());
    metrics.emplace_back(prefix + "tv", 100 * (horizontal() + vertical()));
  };
  measure("hole_", [&](int64_t p) { return hole[p] > 0.5; });
  measure("", [](int64_t) { return true; });
  return metrics;
}

}  // namespace lacuna
