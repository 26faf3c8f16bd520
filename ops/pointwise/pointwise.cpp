#include "ops/pointwise/pointwise.h"

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/pointwise/kernels.h"

namespace lacuna {
namespace {

Tensor apply(const Variable& x, void (*kernel)(const CpuStream&, const Tensor&, Tensor&)) {
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernel(stream, x.value(), y); });
  return y;
}

}  // namespace

Variable exp(const Variable& x) {
  const Tensor y = apply(x, kernels::exp);
  return record("exp", {x}, y, [y](const Vjp& v) { return Variables{v.cotangent() * v.output(y)}; });
}

Variable log(const Variable& x) {
  return record("log", {x}, apply(x, kernels::log), [x](const Vjp& v) { return Variables{v.cotangent() / x}; });
}

Variable sqrt(const Variable& x) {
  return record("sqrt", {x}, apply(x, kernels::sqrt),
                [x](const Vjp& v) { return Variables{v.cotangent() * (0.5 * rsqrt(x))}; });
}

Variable rsqrt(const Variable& x) {
  const Tensor y = apply(x, kernels::rsqrt);
  return record("rsqrt", {x}, y, [y](const Vjp& v) {
    const Variable out = v.output(y);
    return Variables{v.cotangent() * (-0.5 * (square(out) * out))};
  });
}

Variable square(const Variable& x) {
  return record("square", {x}, apply(x, kernels::square),
                [x](const Vjp& v) { return Variables{2 * (v.cotangent() * x)}; });
}

Variable abs(const Variable& x) {
  return record("abs", {x}, apply(x, kernels::abs),
                [x = x.detach()](const Vjp& v) { return Variables{v.cotangent() * sign(x)}; });
}

Variable sign(const Variable& x) { return Variable(apply(x, kernels::sign)); }

Variable sigmoid(const Variable& x) {
  const Tensor y = apply(x, kernels::sigmoid);
  return record("sigmoid", {x}, y, [y](const Vjp& v) {
    const Variable out = v.output(y);
    return Variables{v.cotangent() * (out * (1 - out))};
  });
}

Variable softplus(const Variable& x) {
  return record("softplus", {x}, apply(x, kernels::softplus),
                [x](const Vjp& v) { return Variables{v.cotangent() * sigmoid(x)}; });
}

Variable tanh(const Variable& x) {
  const Tensor y = apply(x, kernels::tanh);
  return record("tanh", {x}, y, [y](const Vjp& v) { return Variables{v.cotangent() * (1 - square(v.output(y)))}; });
}

}  // namespace lacuna
