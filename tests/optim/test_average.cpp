#include <algorithm>
#include <cmath>
#include <optional>

#include "ops/cases.h"
#include "optim/average.h"
#include "tests/support/any_threads.h"
#include "tests/support/compare.h"

namespace lacuna {

TEST_CASE("average: the weighted sum it is defined as, from the first update on") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const double decay = 0.9;
    Tensor p = Tensor::zeros({3, 5}, dtype), average = Tensor::full({3, 5}, 77, dtype);
    MovingAverage moving({{"p", p}}, {{"p", average}}, decay);
    std::vector<Tensor> history;
    for (int t = 1; t <= 30; ++t) {
      const Tensor values = case_values({3, 5}, static_cast<uint64_t>(t)).to(dtype);
      visit_float(dtype, "test", [&]<class T>(T) { std::copy_n(values.data<T>(), 15, p.data<T>()); });
      history.push_back(values);
      moving.update();
      if (t == 1) CHECK(test::same_bits(average, values));
      for (int64_t i = 0; i < p.numel(); ++i) {
        double sum = 0;
        for (int s = 1; s <= t; ++s) sum += std::pow(decay, t - s) * history[static_cast<size_t>(s - 1)].at(i);
        const double expected = (1 - decay) / (1 - std::pow(decay, t)) * sum;
        CHECK(std::abs(average.at(i) - expected) < (dtype == DType::f32 ? 1e-6 : 1e-14));
      }
    }
    CHECK(moving.updates() == 30);
  }
}

TEST_CASE("average: of what does not change is that, however slow it is") {
  for (const double decay : {0.9, 0.9999, 0.9999999}) {
    const Tensor p = Tensor::full({2}, 0.7), average = p.clone();
    MovingAverage moving({{"p", p}}, {{"p", average}}, decay);
    for (int t = 0; t < 3000; ++t) moving.update();
    CHECK(test::same_bits(average, p));
  }
}

TEST_CASE("average: goes on from its state with the same bits") {
  const auto run = [](int break_at) {
    Tensor p = Tensor::zeros({40000});
    auto average = Tensor::zeros({40000});
    std::optional<MovingAverage> moving(std::in_place, MovingAverage::Named{{"p", p}},
                                        MovingAverage::Named{{"p", average}}, 0.99);
    for (int t = 0; t < 6; ++t) {
      if (t == break_at) {
        MovingAverage::Named saved = moving->state();
        for (auto& [name, tensor] : saved) tensor = tensor.clone();
        average = Tensor::zeros({40000});
        moving.emplace(MovingAverage::Named{{"p", p}}, MovingAverage::Named{{"p", average}}, 0.99);
        moving->load(saved);
      }
      for (int64_t i = 0; i < p.numel(); ++i) p.data<float>()[i] += 0.01F * static_cast<float>((i * 7 + t) % 13);
      moving->update();
    }
    return average;
  };
  const Tensor whole = run(-1);
  CHECK(test::same_bits(whole, run(3)));
  CHECK(test::same_bits(whole, run(0)));
  test::on_any_threads([&] { return run(-1); });
}

TEST_CASE("average: errors") {
  const Tensor p = Tensor::zeros({2});
  CHECK(test::error_of([&] {
          MovingAverage({{"p", p}}, {{"p", p}}, 1);
        }) == "[average] the decay must be in (0, 1), not 1");
  CHECK(test::error_of([&] {
          MovingAverage({{"p", p}}, {{"p", Tensor::zeros({3})}}, 0.5);
        }) == "[average] the average of p is (3) f32, the parameter (2) f32");
  MovingAverage moving({{"p", p}}, {{"p", p.clone()}}, 0.5);
  CHECK(test::error_of([&] {
          moving.load({{"updates", Tensor::from<int32_t>({}, {1})}});
        }) == "[average] the state lacks average/p");
}

}  // namespace lacuna
