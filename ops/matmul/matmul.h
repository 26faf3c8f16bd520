#pragma once

#include "autograd/variable.h"

namespace lacuna {

struct MatmulOptions {
  bool transpose_a = false;  ///< use a^T, swapping a's last two axes
  bool transpose_b = false;
};

/// Matrix product over the last two axes: (...,M,K) x (...,K,N) -> (...,M,N). Leading (batch) axes must agree, or one
/// operand may have none and is then shared by the whole batch. VJP: a' = y' b^T, b' = a^T y', in matmuls.
Variable matmul(const Variable& a, const Variable& b, const MatmulOptions& options = {});

}  // namespace lacuna
