#include "ops/random/random.h"

#include "ops/random/kernels.h"

namespace lacuna {

Tensor random_uniform(const Shape& shape, const Philox& random, double lo, double hi, DType dtype, Device device) {
  check(lo < hi, "[random_uniform] the range [", lo, ", ", hi, ") is empty");
  Tensor y(shape, dtype, device);
  on(y.device(), [&](auto& stream) { kernels::random_uniform(stream, random, lo, hi, y); });
  return y;
}

Tensor random_normal(const Shape& shape, const Philox& random, DType dtype, Device device) {
  Tensor y(shape, dtype, device);
  on(y.device(), [&](auto& stream) { kernels::random_normal(stream, random, y); });
  return y;
}

}  // namespace lacuna
