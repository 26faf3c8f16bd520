#include <limits>

#include "ops/cases.h"
#include "optim/adam.h"
#include "tensor/memory.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"

// Adam on a CUDA device, or an emulated one, against Adam on the CPU.
namespace lacuna {
namespace {

const Device cuda{Device::Kind::cuda, 0};

/// More tensors than one launch takes, of both types and many sizes, an empty one among them.
std::vector<Tensor> many(uint64_t seed, Device device) {
  std::vector<Tensor> tensors;
  for (int64_t k = 0; k < 120; ++k) {
    const Tensor values = case_values({k == 70 ? 40001 : k % 5 * 131}, seed + static_cast<uint64_t>(k));
    tensors.push_back(values.to(k % 60 < 50 ? DType::f32 : DType::f64).to(device));
  }
  return tensors;
}

Adam::Named named(const std::vector<Tensor>& tensors) {
  Adam::Named named;
  for (const Tensor& tensor : tensors) named.emplace_back(std::to_string(named.size()), tensor);
  return named;
}

void check_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t k = 0; k < a.size(); ++k) {
    CAPTURE(k);
    CHECK(test::same_bits(a[k].to(Device{}), b[k].to(Device{})));
  }
}

}  // namespace

TEST_CASE("adam device: the bits of the CPU, also from a state of the other") {
  if (!test::has_device_or_skips()) return;
  const std::vector<Tensor> here = many(1, {}), there = many(1, cuda);
  Adam cpu(named(here), {}), device(named(there), {});
  for (uint64_t t = 1; t <= 3; ++t) {
    cpu.step(many(1000 * t, {}), 0.1);
    device.step(many(1000 * t, cuda), 0.1);
  }
  check_same(here, there);
  Adam other(named(there), {});
  other.load(cpu.state());
  CHECK(other.updates() == 3);
  cpu.step(many(7, {}), 0.1);
  other.step(many(7, cuda), 0.1);
  check_same(here, there);
}

TEST_CASE("adam device: norms, clipping and numbers that are not finite") {
  if (!test::has_device_or_skips()) return;
  const std::vector<Tensor> here = many(1, {}), there = many(1, cuda);
  CHECK(global_norm(there) == doctest::Approx(global_norm(here)).epsilon(1e-13));
  const std::vector<Tensor> a = clip_by_global_norm(here, 1), b = clip_by_global_norm(there, 1);
  for (size_t k = 0; k < a.size(); ++k) CHECK_CLOSE(b[k].to(Device{}), a[k], 1e-6);
  CHECK(clip_by_global_norm(there, 1e9)[3].raw() == there[3].raw());
  CHECK(!first_not_finite(there));
  std::vector<Tensor> bad = there;
  Tensor infinite = here[70].clone();
  infinite.data<float>()[40000] = std::numeric_limits<float>::infinity();
  bad[70] = infinite.to(cuda);
  bad[71] = Tensor::full({3}, std::numeric_limits<double>::quiet_NaN(), DType::f64).to(cuda);
  CHECK(first_not_finite(bad) == 70);
}

TEST_CASE("adam device: all parameters must lie on one device") {
  if (!test::has_device_or_skips()) return;
  CHECK(test::error_of([] {
          Adam({{"a", Tensor::zeros({2})}, {"b", Tensor::zeros({2}).to(cuda)}}, {});
        }) == "[adam] b lies on cuda:0, others on cpu");
}

}  // namespace lacuna
