#pragma once

#include <memory>
#include <optional>

#include "nets/generator.h"
#include "tensor/plan.h"

namespace lacuna {

/// A generator for many pictures of one size: on a CUDA device its kernels are recorded with the first and then run
/// again as one plan, in the same memory; on the CPU it is the generator itself. The results are the generator's, bit
/// for bit, and of one call hold until the next.
class PlannedGenerator {
 public:
  /// Shares the generator's parameters; new values in their places are seen.
  explicit PlannedGenerator(const Generator& generator) : generator_(generator) {}

  /// What the generator makes without a tape of a picture and a mask, which may lie on any device.
  GeneratorOutput operator()(const Tensor& image, const Tensor& mask);

 private:
  Generator generator_;
  std::optional<Plan> plan_;
};

}  // namespace lacuna
