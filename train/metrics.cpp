#include "train/metrics.h"

#include <algorithm>
#include <cmath>

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
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

/// Of some pixels.
struct Sums {
  Mean l1, l2, truth_l1, truth_l2, ssim, horizontal, vertical;

  void append_to(std::vector<std::pair<std::string, double>>& metrics, const std::string& prefix) const {
    if (ssim.count == 0) return;
    constexpr double least = 1e-12;  // keeps the figures finite for equal and for black pictures
    metrics.emplace_back(prefix + "l1", 100 * l1());
    metrics.emplace_back(prefix + "l2", 100 * l2());
    metrics.emplace_back(prefix + "l1_relative", 100 * l1.sum / std::max(truth_l1.sum, least));
    metrics.emplace_back(prefix + "l2_relative", 100 * l2.sum / std::max(truth_l2.sum, least));
    metrics.emplace_back(prefix + "psnr", 10 * std::log10(1 / std::max(l2(), least)));
    metrics.emplace_back(prefix + "ssim", ssim());
    metrics.emplace_back(prefix + "tv", 100 * (horizontal() + vertical()));
  }
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
  Sums in_hole, everywhere;
  constexpr int64_t band = 256;  // rows at a time: the maps of a large picture would be many times its size
  for (int64_t top = 0; top < height; top += band) {
    const int64_t bottom = std::min(height, top + band);
    const int64_t first = std::max<int64_t>(0, top - ssim_reach), last = std::min(height, bottom + ssim_reach);
    const auto rows = [&](const Variable& x) { return cast(slice(x, 1, first, last - first), DType::f64); };
    Variable a = rows(completed), b = rows(truth);
    const Tensor map = ssim_map(luma(a), luma(b)).value(), holes = rows(mask).value();
    a = affine(a, 0.5, 0.5), b = affine(b, 0.5, 0.5);
    const double *x = a.value().data<double>(), *y = b.value().data<double>();
    for (int64_t p = (top - first) * width; p < (bottom - first) * width; ++p) {
      const auto add_to = [&](Sums& sums) {
        sums.ssim.add(map.data<double>()[p]);
        for (int64_t e = 3 * p; e < 3 * p + 3; ++e) {
          sums.l1.add(std::abs(x[e] - y[e]));
          sums.l2.add((x[e] - y[e]) * (x[e] - y[e]));
          sums.truth_l1.add(std::abs(y[e]));
          sums.truth_l2.add(y[e] * y[e]);
          if (p % width > 0) sums.horizontal.add(std::abs(x[e] - x[e - 3]));
          if (p >= width) sums.vertical.add(std::abs(x[e] - x[e - 3 * width]));
        }
      };
      if (holes.data<double>()[p] > 0.5) add_to(in_hole);
      add_to(everywhere);
    }
  }
  std::vector<std::pair<std::string, double>> metrics;
  in_hole.append_to(metrics, "hole_");
  everywhere.append_to(metrics, "");
  return metrics;
}

}  // namespace lacuna
