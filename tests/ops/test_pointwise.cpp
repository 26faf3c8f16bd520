#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "ops/pointwise/functors.h"
#include "ops/pointwise/pointwise.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {

TEST_CASE("pointwise: every case in every mode") { test::run_modes(pointwise_cases()); }

TEST_CASE("pointwise: values against the definition") {
  const Tensor any = case_values({1013}, 1, -5, 5), positive = case_values({1013}, 2, 0.01, 9);
  const auto expect = [](Variable (*op)(const Variable&), const Tensor& x, auto definition) {
    Tensor e = empty_like(x);
    for (int64_t i = 0; i < x.numel(); ++i) e.data<double>()[i] = definition(x.data<double>()[i]);
    CHECK_CLOSE(op(x).value(), e, 1e-15);
    CHECK_CLOSE(op(x.to(DType::f32)).value(), e, 1e-6);
  };
  expect(exp, any, [](double v) { return std::exp(v); });
  expect(log, positive, [](double v) { return std::log(v); });
  expect(sqrt, positive, [](double v) { return std::sqrt(v); });
  expect(rsqrt, positive, [](double v) { return 1 / std::sqrt(v); });
  expect(square, any, [](double v) { return v * v; });
  expect(abs, any, [](double v) { return std::fabs(v); });
  expect(sign, any, [](double v) { return v > 0 ? 1.0 : -1.0; });
  expect(sigmoid, any, [](double v) { return 1 / (1 + std::exp(-v)); });
  expect(softplus, any, [](double v) { return std::log(1 + std::exp(v)); });
  expect(tanh, any, [](double v) { return std::tanh(v); });
}

TEST_CASE_TEMPLATE("pointwise: exp to the last place over the whole range", T, float, double) {
  const T infinity = std::numeric_limits<T>::infinity(), eps = std::numeric_limits<T>::epsilon();
  const T tiniest = std::numeric_limits<T>::denorm_min();
  const T lowest = std::log(tiniest), highest = std::nextafter(std::log(std::numeric_limits<T>::max()), T(0));
  double worst = 0;
  const int steps = 200000;
  for (int i = 0; i <= steps; ++i) {
    const T x = std::min(highest, lowest + (highest - lowest) * (static_cast<T>(i) / steps));
    const long double expected = std::exp(static_cast<long double>(x));
    const long double error = std::fabs(static_cast<long double>(functors::exp(x)) - expected);
    worst = std::fmax(worst, static_cast<double>(error / (expected * eps + tiniest)));
  }
  CHECK(worst <= 1.5);
  CHECK(functors::exp(T(0)) == T(1));
  CHECK(functors::exp(infinity) == infinity);
  CHECK(functors::exp(highest + 1) == infinity);
  CHECK(functors::exp(-infinity) == T(0));
  CHECK(functors::exp(lowest - 2) == T(0));
  CHECK(std::isnan(functors::exp(std::numeric_limits<T>::quiet_NaN())));
}

TEST_CASE("pointwise: large arguments neither overflow nor lose the gradient") {
  const Variable x = Variable::leaf(Tensor::from<float>({4}, {-200, -30, 30, 200}));
  CHECK_CLOSE(softplus(x).value(), Tensor::from<float>({4}, {0, std::exp(-30.0f), 30, 200}), 1e-7);
  CHECK_CLOSE(sigmoid(x).value(), Tensor::from<float>({4}, {0, std::exp(-30.0f), 1, 1}), 1e-7);
  CHECK_CLOSE(grad(softplus(x), {x})[0].value(), sigmoid(x).value(), 1e-7);
}

TEST_CASE("pointwise: derivatives at zero are zero, to second order too") {
  const Variable x = Variable::leaf(Tensor::zeros({2}, DType::f64));
  const Tensor zero = Tensor::zeros({2}, DType::f64);
  for (const auto op : {sqrt, rsqrt, abs}) {
    const Variable dx = grad(op(x), {x}, {.cotangent = {}, .create_graph = true})[0];
    CHECK(test::same_bits(abs(dx).value(), zero));
    if (dx.requires_grad()) CHECK(test::same_bits(abs(grad(dx, {x})[0]).value(), zero));
  }
  CHECK(test::same_bits(rsqrt(x).value(), zero));
  CHECK(test::same_bits(sign(x).value(), zero));
}

TEST_CASE("pointwise: NaN stays NaN") {
  const Tensor nan = Tensor::full({1}, std::nan(""));
  for (const auto op : {exp, log, sqrt, rsqrt, square, abs, sign, sigmoid, softplus, tanh}) {
    CHECK(std::isnan(op(nan).value().item()));
  }
}

TEST_CASE("pointwise: errors name the op") {
  CHECK(test::error_of([] { exp(Tensor::zeros({2}, DType::bf16)); }) == "[exp] works on f32 and f64, not bf16");
  CHECK(test::error_of([] { tanh(Tensor::zeros({2}, DType::u8)); }) == "[tanh] works on f32 and f64, not u8");
}

}  // namespace lacuna
