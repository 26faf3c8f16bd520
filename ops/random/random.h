#pragma once

#include "tensor/philox.h"
#include "tensor/tensor.h"

namespace lacuna {

/// Uniform in [lo, hi): element i is a function of (random, i) alone, the same on every device.
Tensor random_uniform(const Shape& shape, const Philox& random, double lo = 0, double hi = 1, DType dtype = DType::f32,
                      Device device = {});
/// Standard normal (Box-Muller); on another device within a few units in the last place.
Tensor random_normal(const Shape& shape, const Philox& random, DType dtype = DType::f32, Device device = {});

}  // namespace lacuna
