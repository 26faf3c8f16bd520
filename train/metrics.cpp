#include "train/metrics.h"

#include <algorithm>
#include <cmath>

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
  for (int64_t i = 0; i < y.numel(); ++i, v += 3) y.data<double>()[i] = 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
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
  for (int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = a.data<double>()[i] * b.data<double>()[i];
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
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  const Tensor mean_a = blur(a), mean_b = blur(b);
  const Tensor aa = blur(product(a, a)), bb = blur(product(b, b)), ab = blur(product(a, b));
  Tensor map = empty_like(a);
  for (int64_t i = 0; i < map.numel(); ++i) {
    const double ma = mean_a.data<double>()[i], mb = mean_b.data<double>()[i];
    const double variance_a = aa.data<double>()[i] - ma * ma, variance_b = bb.data<double>()[i] - mb * mb;
    const double covariance = ab.data<double>()[i] - ma * mb;
    map.data<double>()[i] =
        (2 * ma * mb + c1) * (2 * covariance + c2) / ((ma * ma + mb * mb + c1) * (variance_a + variance_b + c2));
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
  const Tensor a = unit_range(truth), b = unit_range(completed), holes = mask.value().to(DType::f64);
  const Tensor similarity = ssim_map(grey(a), grey(b));
  const double *x = a.data<double>(), *y = b.data<double>(), *hole = holes.data<double>();

  std::vector<std::pair<std::string, double>> metrics;
  const auto measure = [&](const std::string& prefix, auto counts) {
    Mean absolute, squared, magnitude, ssim, horizontal, vertical;
    for (int64_t p = 0; p < height * width; ++p) {
      if (!counts(p)) continue;
      ssim.add(similarity.data<double>()[p]);
      for (int64_t e = 3 * p; e < 3 * p + 3; ++e) {
        absolute.add(std::abs(x[e] - y[e]));
        squared.add((x[e] - y[e]) * (x[e] - y[e]));
        magnitude.add(std::abs(y[e]));
        if (p % width > 0) horizontal.add(std::abs(y[e] - y[e - 3]));
        if (p >= width) vertical.add(std::abs(y[e] - y[e - 3 * width]));
      }
    }
    if (ssim.count == 0) return;
    metrics.emplace_back(prefix + "l1", 100 * absolute());
    metrics.emplace_back(prefix + "l2", 100 * squared());
    metrics.emplace_back(prefix + "l1_relative", 100 * absolute.sum / std::max(magnitude.sum, 1e-12));
    metrics.emplace_back(prefix + "psnr", 10 * std::log10(1 / std::max(squared(), 1e-12)));
    metrics.emplace_back(prefix + "ssim", ssim());
    metrics.emplace_back(prefix + "tv", 100 * (horizontal() + vertical()));
  };
  measure("hole_", [&](int64_t p) { return hole[p] > 0.5; });
  measure("", [](int64_t) { return true; });
  return metrics;
}

}  // namespace lacuna
