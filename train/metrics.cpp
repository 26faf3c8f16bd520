#include "train/metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "ops/pad/pad.h"

namespace lacuna {
namespace {

constexpr int64_t window_reach = 5;
constexpr double window_sigma = 1.5;

/// Values in [0,1] from values in [-1,1], f64.
Tensor unit_range(const Variable& x) {
  Tensor y = x.value().to(DType::f64).clone();
  double* v = y.data<double>();
  for (int64_t i = 0; i < y.numel(); ++i) v[i] = (v[i] + 1) / 2;
  return y;
}

/// Luma of a (1,H,W,3) picture (ITU-R BT.601), (H,W).
Tensor grey(const Tensor& x) {
  Tensor y({x.dim(1), x.dim(2)}, DType::f64);
  const double* v = x.data<double>();
  double* to = y.data<double>();
  for (int64_t i = 0; i < y.numel(); ++i, v += 3) to[i] = 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
  return y;
}

/// The mean under the Gaussian window along one axis of extent n whose elements are `stride` apart.
void blur_axis(const double* x, int64_t n, int64_t stride, double* y) {
  double weights[2 * window_reach + 1], total = 0;
  for (int64_t k = -window_reach; k <= window_reach; ++k) {
    total += weights[k + window_reach] = std::exp(-static_cast<double>(k * k) / (2 * window_sigma * window_sigma));
  }
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (int64_t k = -window_reach; k <= window_reach; ++k) {
      sum += weights[k + window_reach] * x[padded_source(i + k, n, PadMode::reflect) * stride];
    }
    y[i * stride] = sum / total;
  }
}

Tensor blur(const Tensor& x) {
  const int64_t height = x.dim(0), width = x.dim(1);
  Tensor rows = empty_like(x), y = empty_like(x);
  for (int64_t i = 0; i < height; ++i) {
    blur_axis(x.data<double>() + i * width, width, 1, rows.data<double>() + i * width);
  }
  for (int64_t j = 0; j < width; ++j) blur_axis(rows.data<double>() + j, height, width, y.data<double>() + j);
  return y;
}

Tensor product(const Tensor& a, const Tensor& b) {
  Tensor y = empty_like(a);
  std::transform(a.data<double>(), a.data<double>() + a.numel(), b.data<double>(), y.data<double>(), std::multiplies());
  return y;
}

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

Tensor ssim_map(const Tensor& a, const Tensor& b) {
  check(a.rank() == 2 && a.shape() == b.shape(), "[ssim_map] expects two pictures (H,W), not ", a.shape(), " and ",
        b.shape());
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  const Tensor mean_a = blur(a), mean_b = blur(b);
  const Tensor aa = blur(product(a, a)), bb = blur(product(b, b)), ab = blur(product(a, b));
  const double *ma = mean_a.data<double>(), *mb = mean_b.data<double>();
  const double *maa = aa.data<double>(), *mbb = bb.data<double>(), *mab = ab.data<double>();
  Tensor map = empty_like(a);
  double* similarity = map.data<double>();
  for (int64_t i = 0; i < map.numel(); ++i) {
    const double variances = maa[i] - ma[i] * ma[i] + mbb[i] - mb[i] * mb[i], covariance = mab[i] - ma[i] * mb[i];
    similarity[i] =
        (2 * ma[i] * mb[i] + c1) * (2 * covariance + c2) / ((ma[i] * ma[i] + mb[i] * mb[i] + c1) * (variances + c2));
  }
  return map;
}

std::vector<std::pair<std::string, double>> metrics_of(const Variable& truth, const Variable& completed,
                                                       const Variable& mask) {
  const Shape& shape = truth.shape();
  check(shape.rank() == 4 && shape[0] == 1 && shape[3] == 3 && completed.shape() == shape &&
            mask.shape() == Shape{1, shape[1], shape[2], 1},
        "[metrics] expects two pictures (1,H,W,3) and a mask (1,H,W,1), not ", shape, ", ", completed.shape(), " and ",
        mask.shape());
  const int64_t height = shape[1], width = shape[2];
  const Tensor a = unit_range(completed), b = unit_range(truth), holes = mask.value().to(DType::f64);
  const Tensor map = ssim_map(grey(a), grey(b));
  const double *x = a.data<double>(), *y = b.data<double>(), *hole = holes.data<double>();
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
