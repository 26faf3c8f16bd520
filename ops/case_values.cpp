#include <cmath>

#include "ops/cases.h"
#include "tensor/philox.h"

namespace lacuna {

Tensor case_values(const Shape& shape, uint64_t seed, double lo, double hi, double gap) {
  Tensor t(shape, DType::f64);
  const Philox random{seed, 0};
  for (int64_t i = 0; i < t.numel(); ++i) {
    const double v = lo + (hi - lo) * random.uniform(static_cast<uint64_t>(i));
    t.data<double>()[i] = v + std::copysign(gap, v);
  }
  return t;
}

}  // namespace lacuna
