#include <functional>

#include "autograd/grad.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/broadcast/broadcast.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {

TEST_CASE("arithmetic: every case in every mode") { test::run_modes(arithmetic_cases()); }

TEST_CASE("arithmetic: values against the definition on operands stretched beforehand") {
  const std::pair<Shape, Shape> shapes[] = {{{50, 1000}, {50, 1000}},
                                            {{50, 1000}, {}},
                                            {{}, {50, 1000}},
                                            {{2, 40, 40, 33}, {33}},
                                            {{33}, {2, 40, 40, 33}},
                                            {{2, 90, 90, 1}, {2, 90, 90, 3}},
                                            {{2, 90, 90, 3}, {2, 90, 90, 1}},
                                            {{1, 45, 45, 1}, {3, 45, 45, 2}},
                                            {{3, 91, 45, 4}, {1, 91, 1, 1}},
                                            {{2, 1, 61, 3}, {2, 37, 1, 1}},
                                            {{70, 1, 9}, {1, 80, 1}},
                                            {{}, {}},
                                            {{1, 1}, {1}},
                                            {{0, 3}, {3}}};
  const auto expect = [](const Variable& y, const Tensor& a, const Tensor& b,
                         const std::function<double(double, double)>& f) {
    const Tensor wide_a = broadcast_to(a, y.shape()).value(), wide_b = broadcast_to(b, y.shape()).value();
    Tensor e = empty_like(wide_a);
    for (int64_t i = 0; i < e.numel(); ++i) e.data<double>()[i] = f(wide_a.data<double>()[i], wide_b.data<double>()[i]);
    CHECK(test::same_bits(y.value(), e));
  };
  for (const auto& [sa, sb] : shapes) {
    CAPTURE(sa.str());
    CAPTURE(sb.str());
    const Tensor a = case_values(sa, 1), b = case_values(sb, 2, -1, 1, 0.1);
    expect(Variable(a) + b, a, b, std::plus<>());
    expect(Variable(a) - b, a, b, std::minus<>());
    expect(Variable(a) * b, a, b, std::multiplies<>());
    expect(Variable(a) / b, a, b, std::divides<>());
  }
}

TEST_CASE("arithmetic: operators with constants") {
  const Variable x = Tensor::from<double>({3}, {1, -2, 4});
  const auto expect = [](const Variable& y, const std::vector<double>& values) {
    CHECK(y.value().to_vector() == values);
  };
  expect(-x, {-1, 2, -4});
  expect(x + 1, {2, -1, 5});
  expect(1 + x, {2, -1, 5});
  expect(x - 1, {0, -3, 3});
  expect(1 - x, {0, 3, -3});
  expect(x * 2, {2, -4, 8});
  expect(2 * x, {2, -4, 8});
  expect(x / 2, {0.5, -1, 2});
  expect(affine(x, 2, 1), {3, -3, 9});
}

TEST_CASE("arithmetic: the cotangent is right where the other operand is a constant") {
  const Variable x = Variable::leaf(case_values({4}, 3)), c = case_values({4}, 4);
  CHECK(test::same_bits(grad(x * c, {x})[0].value(), c.value()));
  CHECK(test::same_bits(grad(c * x, {x})[0].value(), c.value()));
  const Variable quotient = grad(x / (c + 2), {x})[0];
  CHECK_CLOSE((quotient * (c + 2)).value(), Tensor::full({4}, 1, DType::f64), 1e-15);
  CHECK(x.value().to_vector() == case_values({4}, 3).to_vector());
}

TEST_CASE("arithmetic: cast converts there and the cotangent back") {
  const Variable x = Variable::leaf(case_values({2, 5}, 5));
  for (DType type : {DType::f32, DType::bf16, DType::f64}) {
    const Variable y = cast(x, type);
    CHECK(test::same_bits(y.value(), x.value().to(type)));
    const Tensor g = case_values({2, 5}, 6).to(type);
    CHECK(test::same_bits(grad(y, {x}, {.cotangent = g})[0].value(), g.to(DType::f64)));
  }
  const Variable g = Variable::leaf(case_values({2, 5}, 7).to(DType::f32));
  const Variable dx = grad(cast(x, DType::f32), {x}, {.cotangent = g, .create_graph = true})[0];
  CHECK(test::same_bits(grad(dx, {g})[0].value(), Tensor::full({2, 5}, 1)));
}

TEST_CASE("arithmetic: errors name the op and the shapes") {
  CHECK(test::error_of([] {
          add(Tensor::zeros({2, 3}), Tensor::zeros({2}));
        }) == "[add] shapes (2,3) and (2) do not broadcast: aligned from the last axis, extents must be equal or 1");
  CHECK(test::error_of([] { mul(Tensor::zeros({2}), Tensor::zeros({2}, DType::f64)); }) ==
        "[mul] operands (2) f32 and (2) f64 differ in type; cast one of them");
  CHECK(test::error_of([] { div(Tensor::zeros({2}, DType::i32), Tensor::zeros({2}, DType::i32)); }) ==
        "[div] works on f32 and f64, not i32");
  CHECK(test::error_of([] { cast(Tensor::zeros({2}), DType::u8); }) ==
        "[cast] converts between f32, f64 and bf16, not f32 to u8");
}

}  // namespace lacuna
