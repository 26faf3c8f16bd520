#pragma once

#include <optional>
#include <vector>

#include "optim/optimizer.h"

namespace lacuna {

struct AdamOptions {
  double beta1 = 0.5;     ///< decay of the mean of the gradients, in [0, 1)
  double beta2 = 0.9;     ///< decay of the mean of their squares, in [0, 1)
  double epsilon = 1e-8;  ///< added to the root of that mean, > 0
};

/// Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015) in the form of its section 2's last
/// paragraph, which TensorFlow uses. In update t = 1, 2, ... with gradient g:
///   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,
///   p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).
class Adam : public Optimizer {
 public:
  Adam(Named parameters, const AdamOptions& options);

  void step(const std::vector<Tensor>& gradients, double lr) override;

  /// How many updates were made.
  int64_t updates() const { return updates_; }

  /// "m/NAME" and "v/NAME" for each parameter, and "updates".
  Named state() const override;
  void load(const Named& state) override;

 private:
  AdamOptions options_;
  Named parameters_;
  std::vector<Tensor> values_, means_, squares_;  // values_: handles to the parameters
  int64_t updates_ = 0;
};

/// Which of the tensors is the first to hold a number that is not finite; nothing if all numbers are finite.
std::optional<size_t> first_not_finite(const std::vector<Tensor>& tensors);

/// The root of the sum of all squares, in f64. The same bits for any number of threads.
double global_norm(const std::vector<Tensor>& tensors);

/// Where the gradients' global norm exceeds max_norm > 0, new tensors scaled down to it; else the gradients themselves.
std::vector<Tensor> clip_by_global_norm(const std::vector<Tensor>& gradients, double max_norm);

}  // namespace lacuna
