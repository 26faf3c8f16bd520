#include <cmath>

#include "ops/activation/activation.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {

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

TEST_CASE("activation: errors name the op and the shapes") {
  CHECK(test::error_of([] { elu_grad(Tensor::zeros({2}), Tensor::zeros({3})); }) ==
        "[elu_grad] cotangent (2) and output (3) differ in shape");
  CHECK(test::error_of([] { clip(Tensor::zeros({2}), 1, -1); }) == "[clip] the range [1, -1] is empty");
  CHECK(test::error_of([] { elu(Tensor::zeros({2}, DType::u8)); }) == "[elu] works on f32 and f64, not u8");
}

}  // namespace lacuna
