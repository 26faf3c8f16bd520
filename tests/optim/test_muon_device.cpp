#include "ops/cases.h"
#include "optim/muon.h"
#include "tests/support/compare.h"
#include "tests/support/device.h"

// Muon on a CUDA device, or an emulated one, against Muon on the CPU.
namespace lacuna {
namespace {

const Device cuda{Device::Kind::cuda, 0};

std::vector<Tensor> tensors(uint64_t seed, DType type, Device device) {
  std::vector<Tensor> all;
  for (const Shape& shape : {Shape{3, 3, 5, 8}, Shape{8}, Shape{4, 50}, Shape{70, 1}}) {
    all.push_back(case_values(shape, seed + all.size()).to(type).to(device));
  }
  return all;
}

Muon::Named named(const std::vector<Tensor>& tensors) {
  Muon::Named named;
  for (const Tensor& tensor : tensors) named.emplace_back(std::to_string(named.size()), tensor);
  return named;
}

}  // namespace

TEST_CASE("muon device: what the CPU computes, also from a state of the other") {
  if (!test::has_device_or_skips()) return;
  for (const DType type : {DType::f32, DType::f64}) {
    const double tolerance = type == DType::f32 ? 1e-4 : 1e-11;
    const std::vector<Tensor> here = tensors(1, type, {}), there = tensors(1, type, cuda);
    Muon cpu(named(here), {}), device(named(there), {});
    for (uint64_t t = 1; t <= 3; ++t) {
      cpu.step(tensors(100 * t, type, {}), 0.1);
      device.step(tensors(100 * t, type, cuda), 0.1);
    }
    for (size_t k = 0; k < here.size(); ++k) CHECK_CLOSE(there[k].to(Device{}), here[k], tolerance);
    Muon other(named(there), {});
    other.load(cpu.state());
    cpu.step(tensors(7, type, {}), 0.1);
    other.step(tensors(7, type, cuda), 0.1);
    for (size_t k = 0; k < here.size(); ++k) CHECK_CLOSE(there[k].to(Device{}), here[k], tolerance);
  }
}

}  // namespace lacuna
