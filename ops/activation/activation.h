#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// x if x > 0, else exp(x) - 1. VJP: x' = elu_grad(y', y); keeps y only.
Variable elu(const Variable& x);
/// g * (y > 0 ? 1 : y + 1): the cotangent through elu, written in its output y. Differentiable in g and y.
Variable elu_grad(const Variable& g, const Variable& y);

/// max(x, 0); derivative 0 at 0.
Variable relu(const Variable& x);
/// x if x > 0, else slope * x.
Variable leaky_relu(const Variable& x, double slope = 0.2);
/// x held within [lo, hi]; derivative 1 inside and at both ends, 0 outside.
Variable clip(const Variable& x, double lo, double hi);

/// A piecewise constant factor: g * inside where lo <= x <= hi, else g * outside.
struct Gate {
  double lo, hi;
  double inside, outside;
};
/// g gated by x. Linear in g; the derivative with respect to x is zero. All VJPs of piecewise linear functions are
/// gates.
Variable gate(const Variable& g, const Variable& x, const Gate& gate);

/// A cotangent (...,C) together with its sums (C) over all axes but the last, sum_to(value, {C}): what the input of
/// an activation and a bias before it receive.
struct Summed {
  Variable value, sums;
};
/// elu_grad(g, y) and its sums, in one pass; g and y have at least one axis.
Summed elu_grad_summed(const Variable& g, const Variable& y);
/// gate(g, x, gate) and its sums, in one pass; g and x have at least one axis.
Summed gate_summed(const Variable& g, const Variable& x, const Gate& gate);

}  // namespace lacuna
