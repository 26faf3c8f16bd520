#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/stream.h"
#include "train/losses.h"

namespace lacuna {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_gamma(const char* op, double gamma) {
  check(gamma > 0 && gamma <= 1, "[", op, "] gamma must be in (0, 1], not ", gamma);
}

/// d[p] = min over q of (p - q)^2 + f[q] for a line of n elements `stride` apart, in place: the lower envelope of
/// parabolas.
class LineTransform {
 public:
  explicit LineTransform(int64_t n) : f_(n), border_(n + 1), apex_(n) {}

  void operator()(double* d, int64_t stride) {
    const int64_t n = static_cast<int64_t>(f_.size());
    int64_t count = 0;  // parabolas in the envelope: apex_[k] is lowest in [border_[k], border_[k + 1]]
    for (int64_t q = 0; q < n; ++q) {
      f_[q] = d[q * stride];
      if (f_[q] == infinity) continue;
      double meet = -infinity;
      while (count > 0) {
        const int64_t p = apex_[count - 1];
        meet = ((f_[q] + static_cast<double>(q * q)) - (f_[p] + static_cast<double>(p * p))) /
               static_cast<double>(2 * (q - p));
        if (meet > border_[count - 1]) break;
        --count;
        meet = -infinity;
      }
      apex_[count] = q;
      border_[count] = meet;
      border_[++count] = infinity;
    }
    if (count == 0) return;
    for (int64_t p = 0, k = 0; p < n; ++p) {
      while (border_[k + 1] < static_cast<double>(p)) ++k;
      const double step = static_cast<double>(p - apex_[k]);
      d[p * stride] = step * step + f_[apex_[k]];
    }
  }

 private:
  std::vector<double> f_, border_;
  std::vector<int64_t> apex_;
};

}  // namespace

Tensor discount_mask(int64_t height, int64_t width, double gamma, DType dtype) {
  check_gamma("discount_mask", gamma);
  check(height > 0 && width > 0, "[discount_mask] a box of ", height, "x", width, " is empty");
  Tensor weight({1, height, width, 1}, DType::f64);
  double* w = weight.data<double>();
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t c = 0; c < width; ++c) {
      const double row = std::pow(gamma, std::min(r, height - r)), column = std::pow(gamma, std::min(c, width - c));
      *w++ = std::max(row, column);
    }
  }
  return weight.to(dtype);
}

Tensor distance_to_known(const Tensor& mask) {
  check(mask.rank() == 4 && mask.dim(3) == 1, "[distance_to_known] a mask must be (N,H,W,1), not ", mask.shape());
  const int64_t height = mask.dim(1), width = mask.dim(2), pixels = height * width;
  Tensor distance(mask.shape(), DType::f64);
  double* d = distance.data<double>();
  visit_float(mask.dtype(), "distance_to_known", [&]<class T>(T) {
    const T* m = mask.data<T>();
    for (int64_t i = 0; i < mask.numel(); ++i) d[i] = m[i] > static_cast<T>(0.5) ? infinity : 0;
  });
  const CpuStream stream{num_threads(), precision()};
  parallel_for(stream, mask.dim(0), 1, [&](int64_t begin, int64_t end) {
    LineTransform along_rows(width), along_columns(height);
    for (int64_t n = begin; n < end; ++n) {
      double* sample = d + n * pixels;
      for (int64_t r = 0; r < height; ++r) along_rows(sample + r * width, 1);
      for (int64_t c = 0; c < width; ++c) along_columns(sample + c, width);
      for (int64_t i = 0; i < pixels; ++i) sample[i] = std::sqrt(sample[i]);
    }
  });
  return distance;
}

Tensor discount_mask_distance(const Tensor& mask, double gamma) {
  check_gamma("discount_mask_distance", gamma);
  Tensor weight = distance_to_known(mask);
  double* w = weight.data<double>();
  for (int64_t i = 0; i < weight.numel(); ++i) w[i] = std::pow(gamma, w[i]);
  return weight.to(mask.dtype());
}

}  // namespace lacuna
