#include "tests/support/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lacuna::test {

double relative_error(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return INFINITY;
  double error = 0, scale = 1;
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
    const double difference = std::abs(x[i] - y[i]);
    if (!std::isfinite(difference)) return INFINITY;
    error = std::max(error, difference);
    scale = std::max(scale, std::abs(y[i]));
  }
  return error / scale;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
  const Tensor x = a.to(Device{}), y = b.to(Device{});
  return std::memcmp(x.raw(), y.raw(), static_cast<size_t>(x.nbytes())) == 0;
}

double inner(const Tensor& a, const Tensor& b) {
  check(a.shape() == b.shape(), "[inner] shapes ", a.shape(), " and ", b.shape(), " differ");
  double sum = 0;
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace lacuna::test
