#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/softmax/softmax.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {

TEST_CASE("softmax: every case in every mode") { test::run_modes(softmax_cases()); }

TEST_CASE("softmax: value and gradient against the composition of small ops") {
  for (const Shape& shape : {Shape{1}, Shape{300, 3}, Shape{3, 7, 1}, Shape{5, 1021}, Shape{40, 1024}}) {
    CAPTURE(shape.str());
    const Variable x = Variable::leaf(case_values(shape, 1, -9, 9));
    const Variable e = exp(x - max(x, -1, true)), definition = e / sum(e, {-1}, true), y = softmax(x);
    CHECK_CLOSE(y.value(), definition.value(), 1e-14);
    const Tensor g = case_values(shape, 2);
    CHECK_CLOSE(grad(y, {x}, {.cotangent = g})[0].value(), grad(definition, {x}, {.cotangent = g})[0].value(), 1e-14);
    CHECK_CLOSE(softmax(x.value().to(DType::f32)).value(), y.value(), 2e-6);
  }
}

TEST_CASE("softmax: rows add up to one and large logits do not overflow") {
  const Tensor x = Tensor::from<float>({3, 3}, {1e30f, 0, -1e30f, 1000, 1000, 1000, -5000, -5000, -5200});
  const Tensor y = softmax(x).value();
  CHECK_CLOSE(y, Tensor::from<float>({3, 3}, {1, 0, 0, 1.f / 3, 1.f / 3, 1.f / 3, 0.5f, 0.5f, 0}), 1e-7);
  const Tensor rows = softmax(case_values({7, 333}, 3, -50, 50).to(DType::f32)).value();
  CHECK_CLOSE(sum(rows, {-1}).value(), Tensor::full({7}, 1), 1e-6);
}

TEST_CASE("softmax: a masked logit of minus infinity gets nothing, a NaN shows, no rows are no rows") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(softmax(Tensor::from<float>({3}, {-infinity, 2, 2})).value().to_vector() == std::vector<double>{0, 0.5, 0.5});
  CHECK(std::isnan(softmax(Tensor::from<float>({3}, {1, NAN, 2})).value().at(0)));
  CHECK(softmax(Tensor::zeros({0, 4})).shape() == Shape{0, 4});
}

TEST_CASE("softmax: errors name the op") {
  CHECK(test::error_of([] { softmax(Tensor::scalar(1)); }) == "[softmax] a scalar has no last axis; reshape it to (1)");
  CHECK(test::error_of([] { softmax(Tensor::zeros({2}, DType::i32)); }) == "[softmax] works on f32 and f64, not i32");
}

}  // namespace lacuna
