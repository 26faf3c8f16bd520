#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// Windows of kernel x kernel every `stride` pixels; only those inside the picture.
struct PoolOptions {
  int64_t kernel = 2;
  int64_t stride = 2;
};

/// Largest element of each window of x (N,H,W,C), the first in row-major order on ties. Twice differentiable (piecewise
/// linear).
Variable max_pool(const Variable& x, const PoolOptions& options = {});
/// Mean of each window. VJP: avg_pool_adjoint.
Variable avg_pool(const Variable& x, const PoolOptions& options = {});
Variable avg_pool_adjoint(const Variable& g, int64_t height, int64_t width, const PoolOptions& options = {});

}  // namespace lacuna
