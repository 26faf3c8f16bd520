#include <cmath>
#include <limits>

#include "ops/cases.h"
#include "optim/adam.h"
#include "tests/support/any_threads.h"

namespace lacuna {
namespace {

/// A reproducible f64 tensor.
Tensor values(const Shape& shape, uint64_t seed) { return case_values(shape, seed); }

}  // namespace

TEST_CASE("adam: ten updates against the published formula") {
  const AdamOptions options{.beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-8};
  Tensor p = values({3, 5}, 1);
  std::vector<double> expected = p.to_vector(), m(15, 0.0), v(15, 0.0);
  Adam adam({{"p", p}}, options);
  for (int t = 1; t <= 10; ++t) {
    const Tensor g = values({3, 5}, 100 + static_cast<uint64_t>(t));
    const double lr = 0.01 * t;
    adam.step({g}, lr);
    for (size_t i = 0; i < 15; ++i) {
      const double gi = g.at(static_cast<int64_t>(i));
      m[i] = 0.5 * m[i] + 0.5 * gi;
      v[i] = 0.9 * v[i] + 0.1 * gi * gi;
      expected[i] -= lr * std::sqrt(1 - std::pow(0.9, t)) / (1 - std::pow(0.5, t)) * m[i] / (std::sqrt(v[i]) + 1e-8);
    }
  }
  CHECK(adam.updates() == 10);
  CHECK_CLOSE(p, Tensor::from({3, 5}, expected), 1e-14);
}

TEST_CASE("adam: the first update moves every parameter by lr against its gradient's sign") {
  Tensor p = Tensor::zeros({4});
  Adam adam({{"p", p}}, {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-12});
  adam.step({Tensor::from<float>({4}, {3, -0.001F, 50, -7})}, 0.1);
  CHECK_CLOSE(p, Tensor::from<float>({4}, {-0.1F, 0.1F, -0.1F, 0.1F}), 1e-6);
}

TEST_CASE("adam: zero gradients leave parameters alone") {
  Tensor p = values({4}, 2);
  const Tensor before = p.clone();
  Adam adam({{"p", p}}, {});
  adam.step({Tensor::zeros({4}, DType::f64)}, 1);
  CHECK(test::same_bits(p, before));
}

TEST_CASE("adam: restored from its state it goes on with the same bits") {
  const auto gradient = [](int t) { return values({40}, 10 + static_cast<uint64_t>(t)); };
  Tensor whole = values({40}, 1);
  Adam adam({{"p", whole}}, {});
  for (int t = 0; t < 4; ++t) adam.step({gradient(t)}, 0.1);

  Tensor parts = values({40}, 1);
  Adam first({{"p", parts}}, {});
  for (int t = 0; t < 2; ++t) first.step({gradient(t)}, 0.1);
  Adam second({{"p", parts}}, {});
  second.load(first.state());
  for (int t = 2; t < 4; ++t) second.step({gradient(t)}, 0.1);
  CHECK(test::same_bits(whole, parts));
}

TEST_CASE("adam: the same bits for any number of threads") {
  test::on_any_threads([] {
    Tensor p = values({70000}, 1);
    Adam adam({{"p", p}}, {});
    adam.step({values({70000}, 2)}, 0.1);
    return p;
  });
}

TEST_CASE("adam: many parameters of both types have the bits of the loop over each") {
  const Shape shapes[] = {{3}, {70001}, {1}, {5, 5, 3, 64}, {0}, {32768}, {40000}};
  const auto check_type = [&]<class T>(T) {
    Adam::Named parameters;
    std::vector<Tensor> expected;
    std::vector<std::vector<T>> means, squares;
    for (const Shape& shape : shapes) {
      const uint64_t seed = parameters.size();
      parameters.emplace_back(std::to_string(seed), values(shape, seed).to(dtype_of<T>()).clone());
      expected.push_back(parameters.back().second.clone());
      means.emplace_back(shape.numel(), T(0));
      squares.emplace_back(shape.numel(), T(0));
    }
    const AdamOptions options{.beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-8};
    Adam adam(parameters, options);
    for (int t = 1; t <= 2; ++t) {
      std::vector<Tensor> gradients;
      for (const Shape& shape : shapes) {
        gradients.push_back(values(shape, 50 * static_cast<uint64_t>(t) + gradients.size()).to(dtype_of<T>()));
      }
      adam.step(gradients, 0.01);
      const T rate = static_cast<T>(0.01 * std::sqrt(1 - std::pow(0.9, t)) / (1 - std::pow(0.5, t)));
      const T b1 = static_cast<T>(0.5), a1 = static_cast<T>(1 - 0.5), b2 = static_cast<T>(0.9),
              a2 = static_cast<T>(1 - 0.9), epsilon = static_cast<T>(1e-8);
      for (size_t k = 0; k < expected.size(); ++k) {
        for (int64_t i = 0; i < expected[k].numel(); ++i) {
          const T g = gradients[k].data<T>()[i];
          T &m = means[k][static_cast<size_t>(i)], &v = squares[k][static_cast<size_t>(i)];
          m = b1 * m + a1 * g;
          v = b2 * v + a2 * (g * g);
          expected[k].data<T>()[i] -= rate * m / (std::sqrt(v) + epsilon);
        }
      }
    }
    for (size_t k = 0; k < expected.size(); ++k) CHECK(test::same_bits(parameters[k].second, expected[k]));
  };
  check_type(float{});
  check_type(double{});
}

TEST_CASE("first_not_finite: the first tensor with an infinity or NaN, wherever that stands") {
  for (const DType type : {DType::f32, DType::f64}) {
    std::vector<Tensor> tensors;
    for (const int64_t n : {3, 0, 100000, 1, 40000}) tensors.push_back(Tensor::full({n}, -1e30, type));
    CHECK(!first_not_finite(tensors));
    const auto put = [&](size_t k, int64_t i, double value) {
      visit_float(type, "test", [&]<class T>(T) { tensors[k].data<T>()[i] = static_cast<T>(value); });
    };
    put(4, 39999, std::numeric_limits<double>::quiet_NaN());
    CHECK(first_not_finite(tensors) == 4);
    put(2, 77777, -std::numeric_limits<double>::infinity());
    CHECK(first_not_finite(tensors) == 2);
    put(2, 77777, 0);
    put(0, 0, std::numeric_limits<double>::infinity());
    CHECK(first_not_finite(tensors) == 0);
  }
  CHECK(!first_not_finite({}));
}

TEST_CASE("global_norm: of many tensors, the same bits for any number of threads") {
  std::vector<Tensor> tensors;
  double squares = 0;
  for (const int64_t n : {3, 70001, 0, 33000}) {
    tensors.push_back(values({n}, static_cast<uint64_t>(n)).to(n == 3 ? DType::f64 : DType::f32));
    for (const double x : tensors.back().to_vector()) squares += x * x;
  }
  const Tensor norm = test::on_any_threads([&] { return Tensor::scalar(global_norm(tensors), DType::f64); });
  CHECK(norm.item() == doctest::Approx(std::sqrt(squares)).epsilon(1e-12));
}

TEST_CASE("clip_by_global_norm: scales all gradients down to the norm, or none") {
  const std::vector<Tensor> g{Tensor::from<double>({2}, {3, 0}), Tensor::from<double>({1}, {-4})};
  CHECK(global_norm(g) == doctest::Approx(5));
  CHECK(test::same_bits(clip_by_global_norm(g, 5)[0], g[0]));
  const std::vector<Tensor> clipped = clip_by_global_norm(g, 1);
  CHECK_CLOSE(clipped[0], Tensor::from<double>({2}, {0.6, 0}), 1e-15);
  CHECK_CLOSE(clipped[1], Tensor::from<double>({1}, {-0.8}), 1e-15);
  CHECK(g[0].at(0) == 3);
}

TEST_CASE("adam: errors") {
  const Tensor p = Tensor::zeros({2});
  CHECK(test::error_of([&] { Adam({{"p", p}}, {.beta1 = 1}); }) == "[adam] the betas must be in [0, 1), not 1 and 0.9");
  CHECK(test::error_of([&] { Adam({{"p", p}, {"p", p}}, {}); }) == "[adam] two parameters are named p");
  CHECK(test::error_of([&] {
          Adam({{"p", Tensor::zeros({2}, DType::u8)}}, {});
        }) == "[adam] p is u8; only f32 and f64 can be trained");
  Adam adam({{"p", p}}, {});
  CHECK(test::error_of([&] { adam.step({}, 1); }) == "[adam] 0 gradients for 1 parameters");
  CHECK(test::error_of([&] { adam.step({Tensor::zeros({3})}, 1); }) ==
        "[adam] the gradient of p is (3) f32, the parameter (2) f32");
  CHECK(test::error_of([&] { adam.load({}); }) == "[adam] the state lacks updates");
  auto state = adam.state();
  state.emplace_back("m/q", p);
  CHECK(test::error_of([&] { adam.load(state); }) == "[adam] the state holds 4 tensors, 3 are known");
  CHECK(test::error_of([&] { clip_by_global_norm({}, 0); }) ==
        "[clip_by_global_norm] the largest norm must be positive, not 0");
}

}  // namespace lacuna
