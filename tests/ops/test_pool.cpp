#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "ops/pool/pool.h"
#include "tests/support/any_threads.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

constexpr PoolOptions settings[] = {
    {}, {.kernel = 3, .stride = 2}, {.kernel = 3, .stride = 1}, {.kernel = 2, .stride = 3}};

// Each window's elements put through f(std::vector<double>).
template <class F>
Tensor pooled(const Tensor& x, const PoolOptions& o, F f) {
  const int64_t n = x.dim(0), width = x.dim(2), channels = x.dim(3);
  const int64_t rows = (x.dim(1) - o.kernel) / o.stride + 1, cols = (width - o.kernel) / o.stride + 1;
  Tensor y({n, rows, cols, channels}, DType::f64);
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t c = i % channels, col = i / channels % cols, line = i / channels / cols;
    std::vector<double> window;
    for (int64_t r = 0; r < o.kernel; ++r) {
      for (int64_t s = 0; s < o.kernel; ++s) {
        const int64_t row = line / rows * x.dim(1) + line % rows * o.stride + r;
        window.push_back(x.at((row * width + col * o.stride + s) * channels + c));
      }
    }
    y.data<double>()[i] = f(window);
  }
  return y;
}

double mean_of(const std::vector<double>& v) {
  double sum = 0;
  for (double e : v) sum += e;
  return sum / static_cast<double>(v.size());
}

}  // namespace

TEST_CASE("pool: every case in every mode") { test::run_modes(pool_cases()); }

TEST_CASE("pool: values against the definition") {
  const Tensor x = case_values({2, 11, 9, 3}, 1);
  for (const PoolOptions& o : settings) {
    CHECK_CLOSE(avg_pool(x, o).value(), pooled(x, o, mean_of), 1e-15);
    const Tensor largest = pooled(x, o, [](const auto& v) { return *std::max_element(v.begin(), v.end()); });
    CHECK(test::same_bits(max_pool(x, o).value(), largest));
  }
}

TEST_CASE("pool: adjoint identities, with the same bits on any number of threads") {
  const Tensor x = case_values({2, 65, 50, 24}, 1);
  for (const PoolOptions& o : settings) {
    const Tensor mean = test::on_any_threads([&] { return avg_pool(x, o).value(); });
    const Tensor g = case_values(mean.shape(), 2);
    const Tensor spread = test::on_any_threads([&] { return avg_pool_adjoint(g, 65, 50, o).value(); });
    CHECK(test::inner(mean, g) == doctest::Approx(test::inner(x, spread)).epsilon(1e-11));

    const Tensor largest = test::on_any_threads([&] { return max_pool(x, o).value(); });
    const Tensor placed = test::on_any_threads([&] {
      const Variable leaf = Variable::leaf(x);
      return grad(max_pool(leaf, o), {leaf}, {.cotangent = g})[0].value();
    });
    CHECK(test::inner(largest, g) == doctest::Approx(test::inner(x, placed)).epsilon(1e-11));
  }
}

TEST_CASE("max_pool: the first of equals gets the cotangent, NaN is not lost") {
  const Variable x = Variable::leaf(Tensor::from<double>({1, 2, 2, 1}, {1, 5, 5, 5}));
  CHECK(test::same_bits(grad(max_pool(x), {x})[0].value(), Tensor::from<double>({1, 2, 2, 1}, {0, 1, 0, 0})));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int64_t i = 0; i < 4; ++i) {
    Tensor poisoned = x.value().clone();
    poisoned.data<double>()[i] = nan;
    CHECK(std::isnan(max_pool(poisoned).value().item()));
  }
}

TEST_CASE("pool: errors name the op and the shapes") {
  CHECK(test::error_of([] {
          max_pool(Tensor::zeros({1, 1, 4, 3}));
        }) == "[max_pool] no window of 2 x 2 fits into (1,1,4,3)");
  CHECK(test::error_of([] {
          avg_pool(Tensor::zeros({4, 4, 3}));
        }) == "[avg_pool] needs a picture (N,H,W,C), not (4,4,3)");
  CHECK(test::error_of([] {
          avg_pool(Tensor::zeros({1, 4, 4, 3}), {.kernel = 2, .stride = 0});
        }) == "[avg_pool] kernel and stride are at least 1, not 2 and 0");
  CHECK(test::error_of([] {
          avg_pool_adjoint(Tensor::zeros({1, 2, 2, 3}), 7, 4);
        }) == "[avg_pool_adjoint] pooling (1,7,4,3) gives (1,3,2,3), but g is (1,2,2,3)");
}

}  // namespace lacuna
