#include "ops/pointwise/pointwise.h"

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/pointwise/kernels.h"

namespace lacuna {
namespace {

/// y of kernel(stream, x, y).
template <class Kernel>
Tensor apply(const Variable& x, Kernel kernel) {
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernel(stream, x.value(), y); });
  return y;
}

}  // namespace

Variable exp(const Variable& x) {
  const Tensor y = apply(x, [](auto&... args) { kernels::exp(args...); });
  return record("exp", {x}, y, [y](const Vjp& v) { return Variables{v.cotangent() * v.output(y)}; });
}

Variable log(const Variable& x) {
  return record("log", {x}, apply(x, [](auto&... args) { kernels::log(args...); }),
                [x](const Vjp& v) { return Variables{v.cotangent() / x}; });
}

Variable sqrt(const Variable& x) {
  return record("sqrt", {x}, apply(x, [](auto&... args) { kernels::sqrt(args...); }),
                [x](const Vjp& v) { return Variables{v.cotangent() * (0.5 * rsqrt(x))}; });
}

Variable rsqrt(const Variable& x) {
  const Tensor y = apply(x, [](auto&... args) { kernels::rsqrt(args...); });
  return record("rsqrt", {x}, y, [y](const Vjp& v) {
    const Variable out = v.output(y);
    return Variables{v.cotangent() * (-0.5 * (square(out) * out))};
  });
}

Variable square(const Variable& x) {
  return record("square", {x}, apply(x, [](auto&... args) { kernels::square(args...); }),
                [x](const Vjp& v) { return Variables{2 * (v.cotangent() * x)}; });
}

Variable abs(const Variable& x) {
  return record("abs", {x}, apply(x, [](auto&... args) { kernels::abs(args...); }),
                [x = x.detach()](const Vjp& v) { return Variables{v.cotangent() * sign(x)}; });
}

Variable sign(const Variable& x) {
  return Variable(apply(x, [](auto&... args) { kernels::sign(args...); }));
}

Variable sigmoid(const Variable& x) {
  const Tensor y = apply(x, [](auto&... args) { kernels::sigmoid(args...); });
  return record("sigmoid", {x}, y, [y](const Vjp& v) {
    const Variable out = v.output(y);
    return Variables{v.cotangent() * (out * (1 - out))};
  });
}

Variable softplus(const Variable& x) {
  return record("softplus", {x}, apply(x, [](auto&... args) { kernels::softplus(args...); }),
                [x](const Vjp& v) { return Variables{v.cotangent() * sigmoid(x)}; });
}

Variable tanh(const Variable& x) {
  const Tensor y = apply(x, [](auto&... args) { kernels::tanh(args...); });
  return record("tanh", {x}, y, [y](const Vjp& v) { return Variables{v.cotangent() * (1 - square(v.output(y)))}; });
}

}  // namespace lacuna
