#include <algorithm>
#include <cmath>

#include "ops/cases.h"
#include "tensor/memory.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"
#include "tests/support/tiny_training.h"

// Training on a CUDA device, or an emulated one, against training on the CPU.
namespace lacuna {
namespace {

const Device cuda{Device::Kind::cuda, 0};

TrainConfig tiny() {
  TrainConfig config = test::tiny_config();
  config.critic_steps = 1;
  config.log.gradients_every = 0;
  return config;
}

Trainer trainer(const TrainConfig& config, Device device) {
  return Trainer(config, test::made_up_pictures(), single_process(), device);
}

/// Losses and measures of steps.
std::vector<double> numbers(Trainer& t, int steps) {
  std::vector<double> all;
  for (int i = 0; i < steps; ++i) {
    const StepReport report = t.step();
    for (const auto& [name, value] : report.losses) all.push_back(value);
    for (const auto& [name, value] : report.measures) all.push_back(value);
  }
  return all;
}

/// The largest difference between parameters and optimiser states, relative to each tensor's largest value.
double distance(const Trainer& a, const Trainer& b) {
  const Checkpoint x = a.state(), y = b.state();
  double largest = 0;
  for (size_t i = 0; i < x.tensors.size(); ++i) {
    const std::vector<double> u = x.tensors[i].second.to_vector(), v = y.tensors[i].second.to_vector();
    double difference = 0, size = 1e-12;
    for (size_t k = 0; k < u.size(); ++k) {
      difference = std::max(difference, std::abs(u[k] - v[k]));
      size = std::max(size, std::abs(u[k]));
    }
    largest = std::max(largest, difference / size);
  }
  return largest;
}

/// The trainer's state with every number off by one part in 2^52 or so, up or down.
void disturb(Trainer& t) {
  Checkpoint state = t.state();
  uint64_t seed = 1;
  for (auto& [name, tensor] : state.tensors) {
    if (tensor.dtype() != DType::f64) continue;
    tensor = tensor.clone();
    const Tensor noise = case_values(tensor.shape(), ++seed);
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.data<double>()[i] *= 1 + 0x1p-51 * noise.data<double>()[i];
  }
  t.restore(state);
}

}  // namespace

// How far two runs may part is measured: as far as a run does whose parameters were off in the last bit at the start,
// times sixteen, as here every sum of every step is rounded otherwise.
TEST_CASE("device: fifty steps follow those on the CPU") {
  if (!test::has_device_or_skips()) return;
  const TrainConfig config = tiny();
  Trainer cpu = trainer(config, {}), disturbed = trainer(config, {}), device = trainer(config, cuda);
  disturb(disturbed);
  double allowed = 1e-13;
  for (int step = 1; step <= 50; ++step) {
    CAPTURE(step);
    const StepReport a = cpu.step(), b = device.step(), d = disturbed.step();
    REQUIRE(a.losses.size() == b.losses.size());
    for (size_t k = 0; k < a.losses.size(); ++k) {
      const double size = std::max(1.0, std::abs(a.losses[k].second));
      allowed = std::max(allowed, 16 * std::abs(a.losses[k].second - d.losses[k].second) / size);
    }
    for (size_t k = 0; k < a.losses.size(); ++k) {
      CAPTURE(a.losses[k].first);
      CHECK(a.losses[k].first == b.losses[k].first);
      const double size = std::max(1.0, std::abs(a.losses[k].second));
      CHECK(std::abs(a.losses[k].second - b.losses[k].second) <= allowed * size);
    }
  }
  CHECK(allowed < 1e-6);  // else nothing was compared
  CHECK(distance(cpu, device) <= 16 * distance(cpu, disturbed) + 1e-12);
}

TEST_CASE("device: plans train what single kernels train, bit for bit") {
  if (!test::has_device_or_skips()) return;
  TrainConfig config = tiny();
  config.log.gradients_every = 2;
  SUBCASE("the paper's") {}
  SUBCASE("f32, an average, layers computed again") {
    config.network.dtype = DType::f32;
    config.ema_decay = 0.9;
    config.recompute = true;
  }
  SUBCASE("coarse first, critics later, distances, variation") {
    config.pretrain_coarse = 1;
    config.adversarial_start = 2;
    config.critic_warmup = 1;
    config.loss.discount = TrainConfig::Loss::Discount::distance;
    config.loss.ssim = 0.1;
    config.loss.total_variation = 0.1;
    config.loss.adversarial = Adversarial::hinge;
    config.optimizer.clip_norm = 0.01;
    config.optimizer.schedule = {.kind = ScheduleOptions::Kind::cosine, .warmup = 2};
  }
  Trainer planned = trainer(config, cuda);
  config.plan = false;
  Trainer eager = trainer(config, cuda);
  CHECK(numbers(planned, 4) == numbers(eager, 4));
  test::check_same(planned.state(), eager.state());
}

TEST_CASE("device: a run moves between devices by its checkpoint") {
  if (!test::has_device_or_skips()) return;
  TrainConfig config = tiny();
  config.ema_decay = 0.9;
  const auto moves = [&](Device first, Device second) {
    Trainer whole = trainer(config, second), start = trainer(config, first), rest = trainer(config, second);
    numbers(start, 3);
    const Checkpoint state = start.state();
    for (const auto& [name, value] : state.tensors) CHECK(value.device() == Device{});
    whole.restore(state);
    rest.restore(state);
    CHECK(rest.steps_done() == 3);
    CHECK(numbers(rest, 2) == numbers(whole, 2));
    Trainer unmoved = trainer(config, first);
    numbers(unmoved, 5);
    CHECK(distance(unmoved, rest) < 1e-9);
  };
  moves({}, cuda);
  moves(cuda, {});
}

TEST_CASE("device: resumed training has the bits of uninterrupted training") {
  if (!test::has_device_or_skips()) return;
  Trainer whole = trainer(tiny(), cuda), first = trainer(tiny(), cuda), second = trainer(tiny(), cuda);
  numbers(whole, 3);
  numbers(first, 1);
  second.restore(first.state());
  numbers(second, 2);
  test::check_same(whole.state(), second.state());
}

// Master weights, moments and sums are f32; only the operands of products are rounded, 2^-9 of themselves each.
TEST_CASE("device: training with bf16 operands stays near training without, penalty included") {
  if (!test::has_device_or_skips()) return;
  TrainConfig config = tiny();
  config.network.dtype = DType::f32;
  Trainer exact = trainer(config, cuda);
  config.precision = Precision::medium;
  Trainer rounded = trainer(config, cuda);
  const std::vector<double> expected = numbers(exact, 3), found = numbers(rounded, 3);
  REQUIRE(found.size() == expected.size());
  bool differs = false;
  for (size_t k = 0; k < found.size(); ++k) {
    CAPTURE(k);
    CHECK(found[k] == doctest::Approx(expected[k]).epsilon(0.05));
    differs = differs || found[k] != expected[k];
  }
  if (cuda_traits(0).architecture >= 80) CHECK(differs);  // else nothing was rounded
  for (const auto& [name, tensor] : rounded.state().tensors) CHECK(tensor.dtype() != DType::bf16);
}

}  // namespace lacuna
