#pragma once

#include <cmath>

#include "autograd/tape.h"

/// A few f64 ops, differentiable any number of times, to test the tape with and nothing else.
namespace lacuna::tiny {

template <class F>
Tensor map(const Tensor& x, F f) {
  Tensor y = empty_like(x);
  for (int64_t i = 0; i < x.numel(); ++i) y.data<double>()[i] = f(i);
  return y;
}

inline Variable add(const Variable& a, const Variable& b) {
  const double *p = a.value().data<double>(), *q = b.value().data<double>();
  return record("add", {a, b}, map(a.value(), [=](int64_t i) { return p[i] + q[i]; }), [](const Vjp& v) {
    return Variables{v.cotangent(), v.cotangent()};
  });
}

inline Variable multiply(const Variable& a, const Variable& b) {
  const double *p = a.value().data<double>(), *q = b.value().data<double>();
  return record("multiply", {a, b}, map(a.value(), [=](int64_t i) { return p[i] * q[i]; }), [a, b](const Vjp& v) {
    return Variables{v.needs(0) ? multiply(v.cotangent(), b) : Variable(),
                     v.needs(1) ? multiply(v.cotangent(), a) : Variable()};
  });
}

inline Variable scale(const Variable& x, double factor) {
  const double* p = x.value().data<double>();
  return record("scale", {x}, map(x.value(), [=](int64_t i) { return factor * p[i]; }),
                [factor](const Vjp& v) { return Variables{scale(v.cotangent(), factor)}; });
}

/// sin(x + quarter_turns pi/2), so that cosine is sine(x, 1) and each derivative a quarter turn.
inline Variable sine(const Variable& x, int quarter_turns = 0) {
  const double *p = x.value().data<double>(), turn = quarter_turns * std::acos(0.0);
  return record(
      "sine", {x}, map(x.value(), [=](int64_t i) { return std::sin(p[i] + turn); }),
      [x, quarter_turns](const Vjp& v) { return Variables{multiply(v.cotangent(), sine(x, quarter_turns + 1))}; });
}

/// Its VJP is written in its own output.
inline Variable exponential(const Variable& x) {
  const double* p = x.value().data<double>();
  const Tensor y = map(x.value(), [=](int64_t i) { return std::exp(p[i]); });
  return record("exponential", {x}, y, [y](const Vjp& v) { return Variables{multiply(v.cotangent(), v.output(y))}; });
}

inline Variable spread(const Variable& x, const Shape& shape);

inline Variable total(const Variable& x) {
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += x.value().data<double>()[i];
  return record("total", {x}, Tensor::scalar(sum, DType::f64),
                [shape = x.shape()](const Vjp& v) { return Variables{spread(v.cotangent(), shape)}; });
}

inline Variable spread(const Variable& x, const Shape& shape) {
  return record("spread", {x}, Tensor::full(shape, x.value().item(), DType::f64),
                [](const Vjp& v) { return Variables{total(v.cotangent())}; });
}

inline Tensor vector(const std::vector<double>& values) {
  return Tensor::from<double>({static_cast<int64_t>(values.size())}, values);
}

}  // namespace lacuna::tiny
