#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna {

/// Exponential moving averages of parameters that change, without the pull of a start at zero. After updates 1 ... t
/// with the parameters p_1 ... p_t, and decay d in (0, 1),
///   average = (1 - d) / (1 - d^t) * sum over s of d^(t-s) p_s,
/// so the first update makes it p_1, and over the first 1 / (1 - d) updates it is close to the plain mean.
class MovingAverage {
 public:
  using Named = std::vector<std::pair<std::string, Tensor>>;

  /// `averages` are written in place by update(): tensors of the parameters' shapes and types (f32 or f64), in their
  /// order. Before the first update they are what they were.
  MovingAverage(Named parameters, Named averages, double decay);

  /// Takes the parameters as they stand into the average.
  void update();
  int64_t updates() const { return updates_; }

  /// "average/NAME" for each parameter (handles, not copies) and "updates", an i32 scalar.
  Named state() const;
  /// Goes on from what state() returned. Throws, changing nothing, if a tensor is missing, unknown or does not fit.
  void load(const Named& state);

 private:
  Named parameters_, averages_;
  double decay_;
  int64_t updates_ = 0;
};

namespace kernels {

/// average = (1 - weight) * average + weight * p, element by element; the bits of p where weight is 1.
void blend(const CpuStream& stream, double weight, const Tensor& p, Tensor& average);
void blend(const CudaStream& stream, double weight, const Tensor& p, Tensor& average);

}  // namespace kernels
}  // namespace lacuna
