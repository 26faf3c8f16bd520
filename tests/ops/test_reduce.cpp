#include <algorithm>
#include <cmath>

#include "autograd/grad.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/reduce/reduce.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {

TEST_CASE("reduce: every case in every mode") { test::run_modes(reduce_cases()); }

TEST_CASE("reduce: values and shapes against the definition") {
  const int64_t n = 3, h = 41, w = 37, c = 5;
  const Tensor x = case_values({n, h, w, c}, 1);
  Tensor by_channel = Tensor::zeros({c}, DType::f64), by_pixel = Tensor::zeros({n, h, w}, DType::f64);
  Tensor by_column = Tensor::zeros({n, w}, DType::f64), all = Tensor::zeros({}, DType::f64);
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double v = x.data<double>()[i];
    by_channel.data<double>()[i % c] += v;
    by_pixel.data<double>()[i / c] += v;
    by_column.data<double>()[i / (h * w * c) * w + i / c % w] += v;
    all.data<double>()[0] += v;
  }
  CHECK_CLOSE(sum(x).value(), all, 1e-12);
  CHECK_CLOSE(sum(x, {0, 1, 2}).value(), by_channel, 1e-13);
  CHECK_CLOSE(sum(x, {-1}).value(), by_pixel, 1e-14);
  CHECK_CLOSE(sum(x, {-1}, true).value(), by_pixel.reshaped({n, h, w, 1}), 1e-14);
  CHECK_CLOSE(sum(x, {3, 1}).value(), by_column, 1e-13);
  CHECK_CLOSE(sum(x, {3, 1}, true).value(), by_column.reshaped({n, 1, w, 1}), 1e-13);
  CHECK(test::same_bits(sum(x, std::vector<int>{}).value(), x));
  CHECK_CLOSE(mean(x).value(), (Variable(all) / static_cast<double>(x.numel())).value(), 1e-15);
  CHECK_CLOSE(mean(x, {0, 1, 2}).value(), (Variable(by_channel) / static_cast<double>(n * h * w)).value(), 1e-15);
  CHECK(sum(Tensor::zeros({0, 3}), {0}).value().to_vector() == std::vector<double>{0, 0, 0});
}

TEST_CASE("reduce: a sum's gradient is the cotangent, broadcast") {
  const Variable x = Variable::leaf(case_values({2, 64, 64, 16}, 2));
  const Tensor g = case_values({16}, 3);
  const double left = test::inner(sum(x, {0, 1, 2}).value(), g);
  const double right = test::inner(x.value(), grad(sum(x, {0, 1, 2}), {x}, {.cotangent = g})[0].value());
  CHECK(std::abs(left - right) <= 1e-10 * std::max(1.0, std::abs(left)));
}

TEST_CASE("reduce: max and argmax along every axis") {
  const Tensor x = case_values({4, 30, 7}, 4);
  for (int axis : {0, 1, 2, -1}) {
    const Tensor largest = max(x, axis).value(), kept = max(x, axis, true).value(), where = argmax(x, axis);
    const int from_first = x.shape().normalize(axis);
    int64_t inner = 1;
    for (int a = from_first + 1; a < x.rank(); ++a) inner *= x.dim(a);
    CHECK(kept.dim(axis) == 1);
    CHECK(test::same_bits(kept.reshaped(largest.shape()), largest));
    CHECK(where.shape() == largest.shape());
    for (int64_t i = 0; i < largest.numel(); ++i) {
      const int64_t first = i / inner * x.dim(axis) * inner + i % inner;
      int64_t best = 0;
      for (int64_t k = 1; k < x.dim(axis); ++k) best = x.at(first + k * inner) > x.at(first + best * inner) ? k : best;
      CHECK(where.at(i) == best);
      CHECK(largest.at(i) == x.at(first + best * inner));
    }
  }
}

TEST_CASE("reduce: of equal elements the first is the largest, and a NaN beats all") {
  const Tensor x = Tensor::from<float>({3, 4}, {1, 5, 5, 2, 7, 7, 7, 7, 0, NAN, 9, NAN});
  CHECK(argmax(x, 1).to_vector() == std::vector<double>{1, 0, 1});
  CHECK(std::isnan(max(x, 1).value().at(2)));
  const Variable leaf = Variable::leaf(x);
  const Tensor g = Tensor::from<float>({3}, {10, 20, 30});
  CHECK(grad(max(leaf, 1), {leaf}, {.cotangent = g})[0].value().to_vector() ==
        std::vector<double>{0, 10, 0, 0, 20, 0, 0, 0, 0, 30, 0, 0});
}

TEST_CASE("reduce: errors name the op and the shapes") {
  CHECK(test::error_of([] { sum(Tensor::zeros({2, 3}), {2}); }) == "[sum] there is no axis 2 in (2,3)");
  CHECK(test::error_of([] { mean(Tensor::zeros({2, 3}), {1, -1}); }) == "[mean] axis 1 of (2,3) is named twice");
  CHECK(test::error_of([] { mean(Tensor::zeros({0, 3})); }) == "[mean] x (0,3) has no elements");
  CHECK(test::error_of([] { max(Tensor::zeros({2, 0}), 1); }) == "[max] axis 1 of (2,0) has no elements");
  CHECK(test::error_of([] { argmax(Tensor::zeros({2, 3}), -3); }) == "[argmax] there is no axis -3 in (2,3)");
  CHECK(test::error_of([] { argmax(Tensor::zeros({2}, DType::u8), 0); }) == "[argmax] works on f32 and f64, not u8");
}

}  // namespace lacuna
