#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// Smooth functions of one variable, elementwise; any shape, f32 and f64.
Variable exp(const Variable& x);
Variable log(const Variable& x);    ///< natural logarithm
Variable sqrt(const Variable& x);   ///< its derivative at 0 is taken as 0, so that a vanishing norm stops nothing
Variable rsqrt(const Variable& x);  ///< 1 / sqrt(x), and 0 at x = 0: what sqrt's derivative is written in
Variable square(const Variable& x);
Variable abs(const Variable& x);   ///< derivative sign(x)
Variable sign(const Variable& x);  ///< -1, 0 or 1; derivative 0
Variable sigmoid(const Variable& x);
Variable softplus(const Variable& x);  ///< log(1 + exp(x)), computed without overflow
Variable tanh(const Variable& x);

}  // namespace lacuna
