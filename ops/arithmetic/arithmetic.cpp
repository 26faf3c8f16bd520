#include "ops/arithmetic/arithmetic.h"

#include "autograd/tape.h"
#include "ops/arithmetic/kernels.h"
#include "ops/broadcast/broadcast.h"

namespace lacuna {
namespace {

/// y of kernel(stream, a, b, y).
template <class Kernel>
Tensor apply(const char* op, const Variable& a, const Variable& b, Kernel kernel) {
  check(a.dtype() == b.dtype(), "[", op, "] operands ", a.shape(), " ", name_of(a.dtype()), " and ", b.shape(), " ",
        name_of(b.dtype()), " differ in type; cast one of them");
  check(a.device() == b.device(), "[", op, "] operands lie on ", a.device(), " and ", b.device());
  Tensor y(broadcast_shape(op, a.shape(), b.shape()), a.dtype(), a.device());
  on(y.device(), [&](auto& stream) { kernel(stream, a.value(), b.value(), y); });
  return y;
}

/// x where `user`'s cotangent will be asked for, which is what x is kept for; otherwise nothing.
Variable kept_for(const Variable& user, const Variable& x) { return user.requires_grad() ? x : Variable(); }

bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16; }

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  return record("add", {a, b}, apply("add", a, b, [](auto&... args) { kernels::add(args...); }),
                [sa = a.shape(), sb = b.shape()](const Vjp& v) {
                  const Variable& g = v.cotangent();
                  return Variables{v.needs(0) ? sum_to(g, sa) : Variable(), v.needs(1) ? sum_to(g, sb) : Variable()};
                });
}

Variable sub(const Variable& a, const Variable& b) {
  return record("sub", {a, b}, apply("sub", a, b, [](auto&... args) { kernels::sub(args...); }),
                [sa = a.shape(), sb = b.shape()](const Vjp& v) {
                  const Variable& g = v.cotangent();
                  return Variables{v.needs(0) ? sum_to(g, sa) : Variable(), v.needs(1) ? -sum_to(g, sb) : Variable()};
                });
}

Variable mul(const Variable& a, const Variable& b) {
  return record(
      "mul", {a, b}, apply("mul", a, b, [](auto&... args) { kernels::mul(args...); }),
      [a = kept_for(b, a), b = kept_for(a, b), sa = a.shape(), sb = b.shape()](const Vjp& v) {
        const Variable& g = v.cotangent();
        return Variables{v.needs(0) ? sum_to(g * b, sa) : Variable(), v.needs(1) ? sum_to(g * a, sb) : Variable()};
      });
}

Variable div(const Variable& a, const Variable& b) {
  const Tensor y = apply("div", a, b, [](auto&... args) { kernels::div(args...); });
  return record("div", {a, b}, y, [b, y = kept_for(b, y).value(), sa = a.shape()](const Vjp& v) {
    const Variable by_a = v.cotangent() / b;
    return Variables{v.needs(0) ? sum_to(by_a, sa) : Variable(),
                     v.needs(1) ? -sum_to(by_a * v.output(y), b.shape()) : Variable()};
  });
}

Variable affine(const Variable& x, double factor, double offset) {
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernels::affine(stream, x.value(), factor, offset, y); });
  return record("affine", {x}, y, [factor](const Vjp& v) { return Variables{affine(v.cotangent(), factor)}; });
}

Variable cast(const Variable& x, DType dtype) {
  check(is_floating(x.dtype()) && is_floating(dtype), "[cast] converts between f32, f64 and bf16, not ",
        name_of(x.dtype()), " to ", name_of(dtype));
  if (x.dtype() == dtype) return x;
  return record("cast", {x}, x.value().to(dtype),
                [from = x.dtype()](const Vjp& v) { return Variables{cast(v.cotangent(), from)}; });
}

}  // namespace lacuna
