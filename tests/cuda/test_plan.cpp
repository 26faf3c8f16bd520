#include "tensor/memory.h"
#include "tensor/plan.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"

namespace lacuna::test {
namespace {

const Device cuda{Device::Kind::cuda, 0};

/// Rounds to bf16 and back, with a temporary tensor in between, and makes a constant.
std::vector<Tensor> rounded(const std::vector<Tensor>& x) {
  const Tensor narrow = x[0].to(DType::bf16);
  return {narrow.to(DType::f64), Tensor::full({3}, 4, DType::f32, x[0].device())};
}

}  // namespace

TEST_CASE("plan: what was recorded is done again with other inputs") {
  if (!has_device_or_skips()) return;
  const Tensor a = Tensor::from<float>({3}, {1, 2.001f, -5}), b = Tensor::from<float>({3}, {7, 1e-9f, 3.3f});
  Plan plan(rounded, {a}, std::make_shared<PlanMemory>(cuda));
  for (const Tensor& x : {a, b, a}) {
    const std::vector<Tensor>& y = plan({x});
    REQUIRE(y.size() == 2);
    CHECK(y[0].to_vector() == rounded({x})[0].to_vector());
    CHECK(y[1].to_vector() == std::vector<double>(3, 4));
    CHECK(plan({x.to(cuda)})[0].to_vector() == rounded({x})[0].to_vector());
  }
}

TEST_CASE("plan: the results lie where they lay before, and tensors made meanwhile elsewhere") {
  if (!has_device_or_skips()) return;
  const Tensor a = Tensor::from<float>({3}, {1, 2, 3});
  Plan plan(rounded, {a}, std::make_shared<PlanMemory>(cuda));
  const void* const place = plan({a})[0].raw();
  std::vector<Tensor> others;
  for (int i = 0; i < 20; ++i) others.push_back(Tensor::full({3}, i, DType::f32, cuda));
  CHECK(plan({a})[0].raw() == place);
  for (int i = 0; i < 20; ++i) CHECK(others[static_cast<size_t>(i)].at(1) == i);
}

TEST_CASE("plan: several plans share their memory") {
  if (!has_device_or_skips()) return;
  const Tensor a = Tensor::full({1 << 16}, 1.5), b = Tensor::full({1 << 15}, 2.5);
  const auto memory = std::make_shared<PlanMemory>(cuda);
  const int64_t before = memory_stats(cuda).in_use;
  {
    Plan one(rounded, {a}, memory);
    const int64_t with_one = memory_stats(cuda).in_use;
    CHECK(with_one > before);
    Plan two(rounded, {b}, memory);
    CHECK(memory_stats(cuda).in_use - with_one < with_one - before);
    for (int i = 0; i < 3; ++i) {
      CHECK(one({a})[0].at(77) == 1.5);
      CHECK(two({b})[0].at(77) == 2.5);
    }
  }
}

TEST_CASE("plan: a function that looks at its numbers cannot be recorded") {
  if (!has_device_or_skips()) return;
  const Tensor a = Tensor::full({3}, 1);
  const auto looks = [](const std::vector<Tensor>& x) { return std::vector{Tensor::full({}, x[0].at(0))}; };
  CHECK(error_of([&] { Plan(looks, {a}, std::make_shared<PlanMemory>(cuda)); }) ==
        "[plan] a function that copies from or to the host cannot be recorded");
  // The device goes on.
  CHECK(Tensor::full({3}, 2, DType::f32, cuda).at(2) == 2);
  CHECK(Plan(rounded, {a}, std::make_shared<PlanMemory>(cuda))({a})[0].at(0) == 1);
}

TEST_CASE("plan: inputs of other shapes are refused") {
  if (!has_device_or_skips()) return;
  Plan plan(rounded, {Tensor::full({3}, 1)}, std::make_shared<PlanMemory>(cuda));
  CHECK(plan.fits({Tensor::full({3}, 2)}));
  CHECK(!plan.fits({Tensor::full({4}, 2)}));
  CHECK(error_of([&] { plan({Tensor::full({4}, 2)}); }) ==
        "[plan] it was recorded for inputs of other shapes or types");
}

TEST_CASE("plan: there are none on the CPU") {
  CHECK(!error_of([] { PlanMemory memory(Device{}); }).empty());
}

}  // namespace lacuna::test
