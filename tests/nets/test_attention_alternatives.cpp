#include <algorithm>
#include <cmath>

#include "autograd/gradcheck.h"
#include "nets/attention_alternatives.h"
#include "ops/cases.h"
#include "ops/sample/sample.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

Params params_of(const ConvLayers& layers, uint64_t seed) {
  Params params;
  add_params(params, layers, seed, DType::f64);
  return params;
}

void set(const Params& params, const std::string& name, const std::vector<double>& values) {
  Tensor tensor = params.at(name).value();
  REQUIRE(tensor.numel() == static_cast<int64_t>(values.size()));
  std::copy(values.begin(), values.end(), tensor.data<double>());
}

/// x read at a place, as bilinear sampling is defined.
double read_at(const Tensor& x, int64_t n, double row, double column, int64_t channel) {
  const int64_t h = x.dim(1), w = x.dim(2);
  row = std::clamp(row, 0.0, static_cast<double>(h - 1)), column = std::clamp(column, 0.0, static_cast<double>(w - 1));
  double sum = 0;
  for (int64_t i = 0; i < h; ++i) {
    for (int64_t j = 0; j < w; ++j) {
      const double weight = std::max(0.0, 1 - std::abs(row - static_cast<double>(i))) *
                            std::max(0.0, 1 - std::abs(column - static_cast<double>(j)));
      sum += weight * x.at(((n * h + i) * w + j) * x.dim(3) + channel);
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("attention_alternatives: appearance flow reads where position and offset say") {
  const ConvLayers layers = appearance_flow_layers(4, Padding::same);
  const Params params = params_of(layers, 3);
  const Tensor x = case_values({2, 5, 7, 4}, 1);
  const Tensor offsets = apply(layers, params, x).value();
  const Tensor y = grid_sample(x, held_within(appearance_flow_places(layers, params, x))).value();
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t position = i / 4, n = position / 35, row = position / 7 % 5, column = position % 7;
    const double expected = read_at(x, n, static_cast<double>(row) + offsets.at(2 * position),
                                    static_cast<double>(column) + offsets.at(2 * position + 1), i % 4);
    CHECK(std::abs(y.at(i) - expected) < 1e-12);
  }
}

TEST_CASE("attention_alternatives: a spatial transformer begins as the identity and reads where its map says") {
  const ConvLayers layers = spatial_transformer_layers(4, Padding::same);
  Params params = params_of(layers, 3);
  set_identity(layers, params);
  const Tensor x = case_values({2, 5, 7, 4}, 1);
  const auto sampled = [&] {
    return grid_sample(x, held_within(spatial_transformer_places(layers, params, x))).value();
  };
  CHECK_CLOSE(sampled(), x, 1e-12);
  const std::vector<double> map{0.5, -0.3, 0.1, 0.4, -1.1, 0.2};
  set(params, "inpaint_net/transformer3/bias", map);
  const Tensor y = sampled();
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t position = i / 4;
    const double r = (2.0 * static_cast<double>(position / 7 % 5) + 1) / 5 - 1;
    const double c = (2.0 * static_cast<double>(position % 7) + 1) / 7 - 1;
    const double row = ((map[0] * r + map[1] * c + map[2] + 1) * 5 - 1) / 2;
    const double column = ((map[3] * r + map[4] * c + map[5] + 1) * 7 - 1) / 2;
    CHECK(std::abs(y.at(i) - read_at(x, position / 35, row, column, i % 4)) < 1e-12);
  }
}

TEST_CASE("attention_alternatives: first and second derivatives") {
  for (const bool flows : {true, false}) {
    CAPTURE(flows);
    const ConvLayers layers =
        flows ? appearance_flow_layers(2, Padding::same) : spatial_transformer_layers(2, Padding::same);
    const Params params = params_of(layers, 7);
    const Variables inputs{case_values({1, 5, 6, 2}, 1)};
    const auto sampled = [&](const Variables& x) {
      return grid_sample(x[0], held_within(flows ? appearance_flow_places(layers, params, x[0])
                                                 : spatial_transformer_places(layers, params, x[0])));
    };
    CHECK(gradcheck(sampled, inputs).max_error() < 1e-6);
    CHECK(gradgradcheck(sampled, inputs).max_error() < 1e-5);
  }
}

TEST_CASE("attention_alternatives: matches are on the grid of every second position") {
  Tensor places({1, 4, 4, 2});
  for (int64_t i = 0; i < 16; ++i) {
    places.data<float>()[2 * i] = static_cast<float>(3 - i / 4);
    places.data<float>()[2 * i + 1] = static_cast<float>(i % 4) + 1.4f;
  }
  const Tensor matches = matches_of(held_within(places));
  CHECK(matches.dtype() == DType::i32);
  CHECK(matches.to_vector() == std::vector<double>{1, 0, 1, 1, 0, 0, 0, 1});
}

}  // namespace lacuna
