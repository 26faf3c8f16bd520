#include "ops/activation/activation.h"

#include <limits>

#include "autograd/tape.h"
#include "ops/activation/kernels.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/broadcast/broadcast.h"

namespace lacuna {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_alike(const char* op, const char* first, const Variable& g, const char* second, const Variable& y) {
  check(g.shape() == y.shape(), "[", op, "] ", first, " ", g.shape(), " and ", second, " ", y.shape(),
        " differ in shape");
}

Variable recorded_elu_grad(const Variable& g, const Variable& y, const Tensor& dx) {
  return record("elu_grad", {g, y}, dx, [g, y](const Vjp& v) {
    const Variable& h = v.cotangent();
    return Variables{v.needs(0) ? elu_grad(h, y) : Variable(),
                     v.needs(1) ? gate(h * g, y, {.lo = -infinity, .hi = 0, .inside = 1, .outside = 0}) : Variable()};
  });
}

Variable recorded_gate(const Variable& g, const Variable& x, const Gate& gate_, const Tensor& y) {
  return record("gate", {g, x}, y, [x = x.detach(), gate_](const Vjp& v) {
    return Variables{gate(v.cotangent(), x, gate_), Variable()};
  });
}

/// sum_to(x, {C}), which the kernel has computed already.
Variable recorded_sums(const Variable& x, const Tensor& sums) {
  return record("sum_to", {x}, sums,
                [from = x.shape()](const Vjp& v) { return Variables{broadcast_to(v.cotangent(), from)}; });
}

}  // namespace

Variable elu(const Variable& x) {
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernels::elu(stream, x.value(), y); });
  return record("elu", {x}, y, [y](const Vjp& v) { return Variables{elu_grad(v.cotangent(), v.output(y))}; });
}

Variable elu_grad(const Variable& g, const Variable& y) {
  check_alike("elu_grad", "cotangent", g, "output", y);
  Tensor dx = empty_like(g.value());
  on(g.device(), [&](auto& stream) { kernels::elu_grad(stream, g.value(), y.value(), dx); });
  return recorded_elu_grad(g, y, dx);
}

Summed elu_grad_summed(const Variable& g, const Variable& y) {
  check_alike("elu_grad", "cotangent", g, "output", y);
  Tensor dx = empty_like(g.value()), sums({g.dim(-1)}, g.dtype(), g.device());
  on(g.device(), [&](auto& stream) { kernels::elu_grad_summed(stream, g.value(), y.value(), dx, sums); });
  const Variable value = recorded_elu_grad(g, y, dx);
  return {value, recorded_sums(value, sums)};
}

Variable relu(const Variable& x) { return leaky_relu(x, 0); }

Variable leaky_relu(const Variable& x, double slope) {
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernels::leaky_relu(stream, x.value(), slope, y); });
  return record("leaky_relu", {x}, y, [x = x.detach(), slope](const Vjp& v) {
    return Variables{gate(v.cotangent(), x, {.lo = -infinity, .hi = 0, .inside = slope, .outside = 1})};
  });
}

Variable clip(const Variable& x, double lo, double hi) {
  check(lo <= hi, "[clip] the range [", lo, ", ", hi, "] is empty");
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernels::clip(stream, x.value(), lo, hi, y); });
  return record("clip", {x}, y, [x = x.detach(), lo, hi](const Vjp& v) {
    return Variables{gate(v.cotangent(), x, {.lo = lo, .hi = hi, .inside = 1, .outside = 0})};
  });
}

Variable gate(const Variable& g, const Variable& x, const Gate& gate_) {
  check_alike("gate", "g", g, "x", x);
  Tensor y = empty_like(g.value());
  on(g.device(), [&](auto& stream) { kernels::gate(stream, g.value(), x.value(), gate_, y); });
  return recorded_gate(g, x, gate_, y);
}

Summed gate_summed(const Variable& g, const Variable& x, const Gate& gate_) {
  check_alike("gate", "g", g, "x", x);
  Tensor y = empty_like(g.value()), sums({g.dim(-1)}, g.dtype(), g.device());
  on(g.device(), [&](auto& stream) { kernels::gate_summed(stream, g.value(), x.value(), gate_, y, sums); });
  const Variable value = recorded_gate(g, x, gate_, y);
  return {value, recorded_sums(value, sums)};
}

}  // namespace lacuna
