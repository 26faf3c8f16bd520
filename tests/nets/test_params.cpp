#include <algorithm>
#include <cmath>

#include "nets/params.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

Params two() {
  Params params;
  params.add("net/conv1/kernel", Tensor::from<float>({1, 1, 1, 2}, {1, 2}));
  params.add("net/conv1/bias", Tensor::from<float>({2}, {3, 4}));
  return params;
}

}  // namespace

TEST_CASE("params: order, names and counts") {
  const Params params = two();
  REQUIRE(params.items().size() == 2);
  CHECK(params.items()[0].first == "net/conv1/kernel");
  CHECK(params.variables()[1].requires_grad());
  CHECK(params.count() == 4);
  CHECK(params.has("net/conv1/bias"));
  CHECK_FALSE(params.has("net/conv2/bias"));
  CHECK(params.at("net/conv1/bias").value().at(1) == 4);
  CHECK(params.tensors()[0].second.raw() == params.at("net/conv1/kernel").value().raw());
}

TEST_CASE("params: assign copies and converts into the parameters' own memory") {
  Params params = two();
  const void* memory = params.at("net/conv1/bias").value().raw();
  params.assign({{"net/conv1/bias", Tensor::from<double>({2}, {7, 8})},
                 {"net/conv1/kernel", Tensor::full({1, 1, 1, 2}, 5, DType::bf16)}});
  CHECK(params.at("net/conv1/bias").value().raw() == memory);
  CHECK(params.at("net/conv1/bias").value().to_vector() == std::vector<double>{7, 8});
  CHECK(params.at("net/conv1/kernel").value().to_vector() == std::vector<double>{5, 5});
  params.assign(params.tensors());
  CHECK(params.at("net/conv1/bias").value().to_vector() == std::vector<double>{7, 8});
}

TEST_CASE("params: errors change nothing and name the parameter") {
  Params params = two();
  const Tensor kernel = Tensor::zeros({1, 1, 1, 2}), bias = Tensor::zeros({2});
  CHECK(test::error_of([&] {
          params.assign({{"net/conv1/kernel", kernel}});
        }) == "[params] parameter net/conv1/bias is missing");
  CHECK(test::error_of([&] {
          params.assign({{"net/conv1/kernel", kernel}, {"net/conv9/bias", bias}});
        }) == "[params] the network has no parameter net/conv9/bias");
  CHECK(test::error_of([&] {
          params.assign({{"net/conv1/kernel", kernel}, {"net/conv1/bias", kernel}});
        }) == "[params] parameter net/conv1/bias is (2), the given tensor (1,1,1,2)");
  CHECK(test::error_of([&] {
          params.assign({{"net/conv1/bias", bias}, {"net/conv1/bias", bias}});
        }) == "[params] parameter net/conv1/bias is given twice");
  CHECK(test::error_of([&] { params.add("net/conv1/bias", bias); }) ==
        "[params] there is already a parameter net/conv1/bias");
  CHECK(test::error_of([&] { params.at("net/conv2/bias"); }) == "[params] there is no parameter net/conv2/bias");
  CHECK(params.at("net/conv1/kernel").value().to_vector() == std::vector<double>{1, 2});
}

TEST_CASE("params: glorot_uniform fills its range and is reproducible") {
  const Shape kernel{3, 3, 16, 32};
  const Tensor x = glorot_uniform(kernel, {.seed = 5, .draw = 2}, DType::f64);
  const double limit = std::sqrt(6.0 / (9 * (16 + 32)));
  double least = 0, largest = 0, sum = 0, squares = 0;
  for (const double v : x.to_vector()) {
    least = std::min(least, v), largest = std::max(largest, v);
    sum += v, squares += v * v;
  }
  const double n = static_cast<double>(x.numel());
  CHECK(least >= -limit);
  CHECK(largest < limit);
  CHECK(largest > 0.99 * limit);
  CHECK(std::abs(sum / n) < 5 * limit / std::sqrt(3 * n));
  CHECK(squares / n == doctest::Approx(limit * limit / 3).epsilon(0.05));
  CHECK(test::same_bits(x, glorot_uniform(kernel, {.seed = 5, .draw = 2}, DType::f64)));
  CHECK_FALSE(test::same_bits(x, glorot_uniform(kernel, {.seed = 5, .draw = 3}, DType::f64)));

  const double of_matrix = std::sqrt(6.0 / (100 + 1));
  for (const double v : glorot_uniform({100, 1}, {.seed = 1}, DType::f32).to_vector()) CHECK(std::abs(v) <= of_matrix);
  CHECK(test::error_of([] { glorot_uniform({3}, {}, DType::f32); }) ==
        "[glorot_uniform] expects a matrix or a kernel, not (3)");
}

}  // namespace lacuna
