#include "autograd/grad.h"
#include "autograd/tape.h"
#include "nets/critics.h"
#include "nets/generator.h"
#include "nets/planned_generator.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/cases.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"

// The networks on a CUDA device, or an emulated one, against those on the CPU.
namespace lacuna {
namespace {

const Device cuda{Device::Kind::cuda, 0};
constexpr double tolerance = 1e-11;  // f64; sums are taken in other orders

Tensor box_mask(int64_t height, int64_t width, DType dtype) {
  Tensor mask = Tensor::zeros({1, height, width, 1}, DType::f32);
  for (int64_t r = height / 4; r < height / 2; ++r) {
    for (int64_t c = width / 4; c < width / 2; ++c) mask.data<float>()[r * width + c] = 1;
  }
  return mask.to(dtype);
}

template <class Network>
Network on_device(Network network) {
  network.params().move_to(cuda);
  return network;
}

/// Largest difference relative to the larger of 1 and the largest value.
void check_close(const Tensor& device, const Tensor& cpu) {
  CHECK(device.device() == cuda);
  CHECK_CLOSE(device.to(Device{}), cpu, tolerance);
}

/// A sum that depends on every element in its own way.
Variable weighted_sum(const Variable& x) {
  return sum(x * Variable(case_values(x.shape(), 77).to(x.dtype()).to(x.device())));
}

}  // namespace

TEST_CASE("device: the generator's results and gradients are the CPU's") {
  if (!test::has_device_or_skips()) return;
  GeneratorOptions options{.cnum = 4, .dtype = DType::f64};
  int64_t height = 16, width = 24;
  SUBCASE("as released") {}
  SUBCASE("mirrored padding") { options.padding = Padding::reflect, height = width = 32; }
  SUBCASE("one stage") { options.one_stage = true; }
  SUBCASE("appearance flow") { options.attention = GeneratorOptions::Attention::appearance_flow; }
  SUBCASE("a spatial transformer") { options.attention = GeneratorOptions::Attention::spatial_transformer; }
  SUBCASE("an odd size") { height = 19, width = 17; }
  const Generator cpu(options, 3), device = on_device(cpu);
  const Tensor image = case_values({2, height, width, 3}, 5), mask = box_mask(height, width, DType::f64);
  const GeneratorOutput a = cpu(image, mask), b = device(image.to(cuda), mask.to(cuda));
  check_close(b.coarse.value(), a.coarse.value());
  check_close(b.fine.value(), a.fine.value());
  CHECK(a.offsets.defined() == b.offsets.defined());
  if (a.offsets.defined()) CHECK(a.offsets.to_vector() == b.offsets.to_vector());
  const Variables ga = grad(weighted_sum(a.fine) + weighted_sum(a.coarse), cpu.params().variables());
  const Variables gb = grad(weighted_sum(b.fine) + weighted_sum(b.coarse), device.params().variables());
  for (size_t k = 0; k < ga.size(); ++k) {
    CAPTURE(cpu.params().items()[k].first);
    check_close(gb[k].value(), ga[k].value());
  }
}

TEST_CASE("device: the generator without a tape has the bits of that with one") {
  if (!test::has_device_or_skips()) return;
  const Generator device = on_device(Generator({.cnum = 4, .dtype = DType::f64}, 3));
  const Tensor image = case_values({2, 16, 16, 3}, 5).to(cuda), mask = box_mask(16, 16, DType::f64).to(cuda);
  const GeneratorOutput taped = device(image, mask);
  const NoGrad no_grad;
  CHECK(test::same_bits(device(image, mask).fine.value().to(Device{}), taped.fine.value().to(Device{})));
  CHECK(test::same_bits(device.fill(image, mask).value().to(Device{}),
                        complete(taped.fine, image, mask).value().to(Device{})));
}

TEST_CASE("device: a planned generator has the generator's bits") {
  for (const Device place : {Device{}, cuda}) {
    if (place == cuda && !test::has_device_or_skips()) return;
    CAPTURE(place.str());
    for (const DType dtype : {DType::f32, DType::f64}) {
      using Attention = GeneratorOptions::Attention;
      const Attention attention = dtype == DType::f32 ? Attention::contextual : Attention::appearance_flow;
      Generator generator({.cnum = 4, .attention = attention, .dtype = dtype}, 3);
      generator.params().move_to(place);
      PlannedGenerator planned(generator);
      for (const int64_t size : {16, 24, 16}) {
        const Tensor mask = box_mask(size, size, dtype);
        for (const uint64_t seed : {1, 2, 3}) {
          const Tensor image = case_values({1, size, size, 3}, seed).to(dtype);
          const NoGrad no_grad;
          const GeneratorOutput eager = generator(image.to(place), mask.to(place)), output = planned(image, mask);
          CHECK(test::same_bits(output.fine.value().to(Device{}), eager.fine.value().to(Device{})));
          CHECK(test::same_bits(output.coarse.value().to(Device{}), eager.coarse.value().to(Device{})));
          CHECK(output.offsets.to_vector() == eager.offsets.to_vector());
        }
      }
    }
  }
}

TEST_CASE("device: the critics' gradient penalty reaches every parameter as on the CPU") {
  if (!test::has_device_or_skips()) return;
  for (const Critic::Kind kind : {Critic::Kind::local, Critic::Kind::global}) {
    const Critic cpu(kind, 16, 19, 2, DType::f64, 9), device = on_device(cpu);
    const Tensor pictures = case_values({3, 16, 19, 3}, 8);
    const auto gradients = [&](const Critic& critic, const Tensor& from) {
      const Variable x = Variable::leaf(from);
      const Variable scores = critic(x);
      const Variable g = grad(scores, {x}, {.create_graph = true})[0];
      const Variable penalty = mean(square(sqrt(sum(square(g), {1, 2, 3})) - 1)) + mean(scores);
      Variables all = grad(penalty, critic.params().variables());
      all.push_back(penalty);
      all.push_back(g);
      return all;
    };
    const Variables a = gradients(cpu, pictures), b = gradients(device, pictures.to(cuda));
    for (size_t k = 0; k < a.size(); ++k) check_close(b[k].value(), a[k].value());
  }
}

}  // namespace lacuna
