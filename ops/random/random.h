#pragma once

#include "tensor/philox.h"
#include "tensor/tensor.h"

namespace lacuna {

/// Uniform in [lo, hi): element i is a function of (random, i) alone.
Tensor random_uniform(const Shape& shape, const Philox& random, double lo = 0, double hi = 1, DType dtype = DType::f32);
/// Standard normal (Box-Muller).
Tensor random_normal(const Shape& shape, const Philox& random, DType dtype = DType::f32);

}  // namespace lacuna
