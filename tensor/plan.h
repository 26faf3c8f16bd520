#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

class DevicePool;

/// The memory of plans that take turns: none of them needs what another one has left there.
class PlanMemory {
 public:
  explicit PlanMemory(Device device);
  Device device() const { return device_; }
  const std::shared_ptr<DevicePool>& pool() const { return pool_; }

 private:
  Device device_;
  std::shared_ptr<DevicePool> pool_;
};

/// A function of tensors on a CUDA device, recorded once as a CUDA graph and then run again without the host's part in
/// it: the same kernels on the same addresses. Its bits are those of the function itself.
///
/// The function must put work on the device's stream alone and read none of it back; whatever changes from run to run
/// must be among the inputs, or be written in place by others, as parameters are. Tensors that it made and returned, or
/// that were there before, may be used; what else it kept would be overwritten.
class Plan {
 public:
  using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;

  /// Calls the function twice: once as it is, so that all is there that it needs, and once recorded. Throws Error where
  /// the memory's device is no CUDA device, or what the function threw.
  Plan(const Function& function, const std::vector<Tensor>& inputs, const std::shared_ptr<PlanMemory>& memory);
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  /// Whether these have the shapes and types that it was recorded with.
  bool fits(const std::vector<Tensor>& inputs) const;
  /// The function of these inputs, which may lie on any device. The results are the same tensors every time: they hold
  /// until a plan of the same memory is run or made.
  const std::vector<Tensor>& operator()(const std::vector<Tensor>& inputs);

 private:
  struct Recorded;
  std::unique_ptr<Recorded> recorded_;
};

}  // namespace lacuna
