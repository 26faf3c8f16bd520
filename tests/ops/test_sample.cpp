#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "ops/sample/sample.h"
#include "tests/support/any_threads.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

constexpr SampleDerivative orders[] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};

double hat(double t, int derivative) {
  if (std::abs(t) >= 1) return 0;
  return derivative == 0 ? 1 - std::abs(t) : (t >= 0 ? -1 : 1);
}

// The definition: the sum over all pixels.
Tensor sampled(const Tensor& x, const Tensor& grid, SampleDerivative order) {
  const int64_t n = x.dim(0), height = x.dim(1), width = x.dim(2), channels = x.dim(3);
  const int64_t positions = grid.dim(1) * grid.dim(2);
  Tensor y = Tensor::zeros({n, grid.dim(1), grid.dim(2), channels}, DType::f64);
  for (int64_t p = 0; p < n * positions; ++p) {
    const double row = grid.at(2 * p), col = grid.at(2 * p + 1);
    for (int64_t i = 0; i < height; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        const double k = hat(row - static_cast<double>(i), order.row) * hat(col - static_cast<double>(j), order.col);
        for (int64_t c = 0; c < channels; ++c) {
          y.data<double>()[p * channels + c] += k * x.at(((p / positions * height + i) * width + j) * channels + c);
        }
      }
    }
  }
  return y;
}

Tensor random_indices(const Shape& shape, uint64_t seed, int64_t rows) {
  Tensor indices(shape, DType::i32);
  const Tensor random = case_values(shape, seed, 0, static_cast<double>(rows));
  for (int64_t i = 0; i < random.numel(); ++i) indices.data<int32_t>()[i] = static_cast<int32_t>(random.at(i));
  return indices;
}

}  // namespace

TEST_CASE("sample: every case in every mode") { test::run_modes(sample_cases()); }

TEST_CASE("gather: rows by number, under the shape of the indices") {
  const Tensor x = Tensor::from<double>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor indices = Tensor::from<int32_t>({2, 2}, {2, 0, 0, 1});
  CHECK(test::same_bits(gather(x, indices).value(), Tensor::from<double>({2, 2, 2}, {5, 6, 1, 2, 1, 2, 3, 4})));
  CHECK(gather(x, Tensor::from<int32_t>({}, {1})).shape() == Shape{2});
  CHECK(gather(x, Tensor({0}, DType::i32)).shape() == Shape{0, 2});
}

TEST_CASE("scatter_add: repeated rows add up, unnamed rows are zero") {
  const Tensor g = Tensor::from<double>({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor indices = Tensor::from<int32_t>({4}, {2, 0, 2, 2});
  CHECK(test::same_bits(scatter_add(g, indices, 4).value(), Tensor::from<double>({4, 2}, {3, 4, 0, 0, 13, 16, 0, 0})));
  CHECK(test::same_bits(scatter_add(Tensor({0, 2}), Tensor({0}, DType::i32), 1).value(), Tensor::zeros({1, 2})));
}

TEST_CASE("gather and scatter_add are adjoint, with the same bits on any number of threads") {
  const Tensor x = case_values({500, 5, 21}, 1), g = case_values({40, 30, 5, 21}, 2);
  const Tensor indices = random_indices({40, 30}, 3, 500);
  const Tensor y = test::on_any_threads([&] { return gather(x, indices).value(); });
  const Tensor back = test::on_any_threads([&] { return scatter_add(g, indices, 500).value(); });
  CHECK(test::inner(y, g) == doctest::Approx(test::inner(x, back)).epsilon(1e-12));
}

TEST_CASE("grid_sample: values against the definition, all derivatives") {
  const Tensor x = case_values({2, 5, 7, 3}, 1), grid = case_values({2, 6, 4, 2}, 2, -2, 8);
  CHECK_CLOSE(grid_sample(x, grid).value(), sampled(x, grid, {}), 1e-14);
  for (const SampleDerivative order : orders) {
    CHECK_CLOSE(grid_sample_derivative(x, grid, order).value(), sampled(x, grid, order), 1e-14);
  }
}

TEST_CASE("grid_sample: pixel centres, halves and the world outside") {
  const Tensor x = Tensor::from<double>({1, 2, 2, 1}, {1, 2, 4, 8});
  const double far = 1e300, nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor grid =
      Tensor::from<double>({1, 1, 9, 2}, {0, 0, 1, 1, 0.5, 0.5, -0.5, 0, 1.5, 1.5, -1, 0, 2, 2, far, -far, 0, nan});
  const std::vector<double> y = grid_sample(x, grid).value().to_vector();
  CHECK(std::vector<double>(y.begin(), y.end() - 1) == std::vector<double>{1, 8, 3.75, 0.5, 2, 0, 0, 0});
  CHECK(std::isnan(y.back()));
  CHECK(test::same_bits(grid_sample(Tensor({1, 0, 2, 1}, DType::f64), grid).value(),
                        Tensor::zeros({1, 1, 9, 1}, DType::f64)));
}

TEST_CASE("grid_sample: a pixel that is not read does not matter, even if it is not finite") {
  const Tensor x = Tensor::from<double>({1, 1, 3, 1}, {1, 2, std::numeric_limits<double>::infinity()});
  CHECK(grid_sample(x, Tensor::from<double>({1, 1, 1, 2}, {0.25, 0.5})).value().item() == doctest::Approx(1.125));
}

TEST_CASE("grid_sample and its adjoint: the same form, with the same bits on any number of threads") {
  const Tensor x = case_values({2, 64, 48, 37}, 1), g = case_values({2, 50, 41, 37}, 2);
  const Tensor grid = case_values({2, 50, 41, 2}, 3, -5, 68);
  for (const SampleDerivative order : orders) {
    const Tensor y = test::on_any_threads([&] { return grid_sample_derivative(x, grid, order).value(); });
    const Tensor back = test::on_any_threads([&] { return grid_sample_adjoint(g, grid, 64, 48, order).value(); });
    CHECK(test::inner(y, g) == doctest::Approx(test::inner(x, back)).epsilon(1e-11));
  }
}

TEST_CASE("grid_sample: the gradient of a linear ramp is its slope") {
  Tensor x({1, 8, 8, 1}, DType::f64);
  for (int64_t i = 0; i < 64; ++i) x.data<double>()[i] = 3.0 * static_cast<double>(i / 8) - static_cast<double>(i % 8);
  const Variable grid = Variable::leaf(case_values({1, 4, 4, 2}, 2, 0.5, 6.5));
  const std::vector<double> slope = grad(grid_sample(x, grid), {grid})[0].value().to_vector();
  for (size_t i = 0; i < slope.size(); i += 2) {
    CHECK(slope[i] == doctest::Approx(3));
    CHECK(slope[i + 1] == doctest::Approx(-1));
  }
}

TEST_CASE("sample: errors name the op and the shapes") {
  const Tensor rows = Tensor::zeros({3, 2}), x = Tensor::zeros({1, 4, 4, 3}), grid = Tensor::zeros({1, 2, 2, 2});
  const auto at = [](int32_t i) { return Tensor::from<int32_t>({1}, {i}); };
  CHECK(test::error_of([&] { gather(rows, at(3)); }) == "[gather] index 3 lies outside the 3 rows");
  CHECK(test::error_of([&] { gather(rows, at(-1)); }) == "[gather] index -1 lies outside the 3 rows");
  CHECK(test::error_of([&] { gather(rows, rows); }) == "[gather] indices are i32, not f32");
  CHECK(test::error_of([&] { gather(Tensor::scalar(1), at(0)); }) == "[gather] x is a scalar and has no rows");
  CHECK(test::error_of([&] { scatter_add(rows, at(0), 3); }) ==
        "[scatter_add] g (3,2) must start with the indices' shape (1)");
  CHECK(test::error_of([&] {
          scatter_add(Tensor::zeros({1, 2}), at(7), 3);
        }) == "[scatter_add] index 7 lies outside the 3 rows");
  CHECK(test::error_of([&] {
          grid_sample(x, Tensor::zeros({1, 2, 2, 3}));
        }) == "[grid_sample] needs x (N,H,W,C) and a grid (N,h,w,2), not (1,4,4,3) and (1,2,2,3)");
  CHECK(test::error_of([&] { grid_sample(x, grid.to(DType::f64)); }) ==
        "[grid_sample] x is f32, the grid f64; they must agree");
  CHECK(test::error_of([&] {
          grid_sample_derivative(x, grid, {2, 0});
        }) == "[grid_sample] the order of a derivative is 0 or 1 a coordinate, not {2,0}");
  CHECK(test::error_of([&] { grid_sample_adjoint(x, grid, 4, 4); }) ==
        "[grid_sample_adjoint] g (1,4,4,3) and grid (1,2,2,2) differ in height or width");
}

}  // namespace lacuna
