#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

/// What updates named parameters, tensors of f32 or f64 on one device, in place by their gradients.
class Optimizer {
 public:
  using Named = std::vector<std::pair<std::string, Tensor>>;

  virtual ~Optimizer() = default;

  /// One update at the learning rate lr; gradients in the parameters' order, of their shapes and types.
  virtual void step(const std::vector<Tensor>& gradients, double lr) = 0;

  /// Everything that the next update depends on besides the parameters: tensors of theirs (handles, not copies) under
  /// their names behind "m/" or the like, and "updates", an i32 scalar: how many were made.
  virtual Named state() const = 0;
  /// Goes on from what state() returned. Throws, changing nothing, if a tensor is missing, unknown or does not fit.
  virtual void load(const Named& state) = 0;
};

/// Throws Error "[who] ..." unless the parameters are f32 or f64, on one device, and their names distinct.
void check_parameters(const char* who, const Optimizer::Named& parameters);
/// Throws Error "[who] ..." unless there is a gradient of the same shape and type for each parameter.
void check_gradients(const char* who, const Optimizer::Named& parameters, const std::vector<Tensor>& gradients);
/// Throws Error "[who] ..." unless the saved state has the names, shapes and types of one's own.
void check_state(const char* who, const Optimizer::Named& saved, const Optimizer::Named& own);
/// The same, and copies the saved elements into one's own tensors.
void copy_state(const char* who, const Optimizer::Named& saved, const Optimizer::Named& own);

}  // namespace lacuna
