#include "ops/conv2d/activate.h"

#include <limits>

#include "ops/broadcast/broadcast.h"

namespace lacuna {

Variable activate(const Variable& x, const Activation& activation) {
  using Kind = Activation::Kind;
  switch (activation.kind) {
    case Kind::none:
      return x;
    case Kind::elu:
      return elu(x);
    case Kind::relu:
      return relu(x);
    case Kind::leaky_relu:
      return leaky_relu(x, activation.slope);
    case Kind::clip:
      return clip(x, -1, 1);
  }
  fail("[activate] unknown activation");
}

Summed activation_vjp(const Variable& g, const Variable& y, const Activation& activation, bool summed) {
  using Kind = Activation::Kind;
  if (activation.kind == Kind::none) return {g, summed ? sum_to(g, {g.dim(-1)}) : Variable()};
  if (activation.kind == Kind::elu) return summed ? elu_grad_summed(g, y) : Summed{elu_grad(g, y), {}};
  const Gate slope_below_zero{.lo = -std::numeric_limits<double>::infinity(),
                              .hi = 0,
                              .inside = activation.kind == Kind::relu ? 0 : activation.slope,
                              .outside = 1};
  return summed ? gate_summed(g, y, slope_below_zero) : Summed{gate(g, y, slope_below_zero), {}};
}

}  // namespace lacuna
