#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/broadcast/broadcast.h"
#include "tensor/stream.h"
#include "tests/support/any_threads.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

constexpr Gate slope_below_zero{.lo = -std::numeric_limits<double>::infinity(), .hi = 0, .inside = 0.2, .outside = 1};

using Plain = Variable (*)(const Variable& g, const Variable& y);
using Fused = Summed (*)(const Variable& g, const Variable& y);

const struct {
  Plain plain;
  Fused fused;
} summed_ops[] = {
    {elu_grad, elu_grad_summed},
    {[](const Variable& g, const Variable& y) { return gate(g, y, slope_below_zero); },
     [](const Variable& g, const Variable& y) { return gate_summed(g, y, slope_below_zero); }},
};

}  // namespace

TEST_CASE("activation: every case in every mode") { test::run_modes(activation_cases()); }

TEST_CASE("activation: values against the definition") {
  const Tensor x = case_values({97}, 3, -3, 3);
  const auto expect = [&](const Variable& y, auto definition) {
    Tensor e = empty_like(x);
    for (int64_t i = 0; i < x.numel(); ++i) e.data<double>()[i] = definition(x.data<double>()[i]);
    CHECK_CLOSE(y.value(), e, 1e-15);
  };
  expect(elu(x), [](double v) { return v > 0 ? v : std::exp(v) - 1; });
  expect(relu(x), [](double v) { return v > 0 ? v : 0; });
  expect(leaky_relu(x, 0.2), [](double v) { return v > 0 ? v : 0.2 * v; });
  expect(clip(x, -1, 1), [](double v) { return std::fmin(std::fmax(v, -1), 1); });
}

TEST_CASE("activation: cotangents with their sums against the two ops that they stand for") {
  // Rows narrower and wider than those that are taken together, with remainders.
  const Shape shapes[] = {{5},        {7, 1},         {2, 33, 31, 3}, {3, 29, 37, 16}, {2, 40, 41, 32},
                          {301, 127}, {2, 9, 8, 200}, {11, 700},      {0, 4},          {3, 0}};
  for (const auto& [plain, fused] : summed_ops) {
    for (const Shape& shape : shapes) {
      CAPTURE(shape.str());
      const Tensor g = case_values(shape, 5), y = case_values(shape, 6, -0.9, 0.9);
      for (const DType type : {DType::f64, DType::f32}) {
        const Variable expected = plain(g.to(type), y.to(type));
        const Summed actual = fused(g.to(type), y.to(type));
        CHECK(test::same_bits(actual.value.value(), expected.value()));
        CHECK_CLOSE(actual.sums.value(), sum_to(expected, {shape.dim(-1)}).value(),
                    type == DType::f64 ? 0x1p-48 : 0x1p-23);
      }
    }
  }
}

TEST_CASE("activation: the sums' gradient and second gradient are those of sum_to") {
  for (const auto& [plain, fused] : summed_ops) {
    const auto run = [&](bool together) {
      const Variable g = Variable::leaf(case_values({2, 3, 5}, 7)),
                     y = Variable::leaf(case_values({2, 3, 5}, 8, -0.9, 0.9, 0.01));
      const Summed s = together ? fused(g, y) : Summed{plain(g, y), sum_to(plain(g, y), {5})};
      const Variable loss = sum_to(s.value * s.value, {}) + sum_to(s.sums * s.sums * s.sums, {});
      const Variables first = grad(loss, {g, y}, {.cotangent = {}, .create_graph = true});
      std::vector<Tensor> all{first[0].value(), first[1].value()};
      const Variable again = sum_to(first[0] * first[0], {});
      for (const Variable& d : grad(again, {g, y})) all.push_back(d.value());
      return all;
    };
    const std::vector<Tensor> fused_result = run(true), plain_result = run(false);
    for (size_t i = 0; i < fused_result.size(); ++i) CHECK_CLOSE(fused_result[i], plain_result[i], 1e-13);
  }
}

TEST_CASE("activation: sums have the same bits for any number of threads") {
  const Tensor g = case_values({3, 90, 91, 7}, 9).to(DType::f32), y = case_values({3, 90, 91, 7}, 10).to(DType::f32);
  for (const auto& op : summed_ops) {
    test::on_any_threads([&] { return op.fused(g, y).sums.value(); });
    test::on_any_threads([&] { return op.fused(g, y).value.value(); });
  }
}

TEST_CASE("activation: errors name the op and the shapes") {
  CHECK(test::error_of([] { elu_grad(Tensor::zeros({2}), Tensor::zeros({3})); }) ==
        "[elu_grad] cotangent (2) and output (3) differ in shape");
  CHECK(test::error_of([] { clip(Tensor::zeros({2}), 1, -1); }) == "[clip] the range [1, -1] is empty");
  CHECK(test::error_of([] { elu(Tensor::zeros({2}, DType::u8)); }) == "[elu] works on f32 and f64, not u8");
}

}  // namespace lacuna
