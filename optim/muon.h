#pragma once

#include "optim/adam.h"

namespace lacuna {

/// The matrix of the same singular vectors as `matrix` (R,C) whose singular values are all near 1: between 0.68 and
/// 1.21 for those above 0.002 of its Frobenius norm. With x = matrix / |matrix|, five times
///   x = 3.4445 x - 4.7750 (x x^T) x + 2.0315 (x x^T)^2 x,
/// an iteration of Newton-Schulz kind that needs products of matrices only, at the precision in force. Zeros stay
/// zeros.
Tensor orthogonalise(const Tensor& matrix);

struct MuonOptions {
  double momentum = 0.95;  ///< decay of the mean of the matrices' gradients, in [0, 1)
  AdamOptions adam;        ///< for what is no matrix
};

/// Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024). A parameter of two or more
/// axes, such as a kernel, is taken as the matrix p (R,C) whose columns are its last axis. With gradient g
///   m = momentum m + (1 - momentum) g,
///   p -= 0.2 lr sqrt(max(R, C)) orthogonalise(momentum m + (1 - momentum) g),
/// so that an update moves all directions of the matrix alike, not only the few that dominate its gradient. The factor
/// makes the update's root mean square 0.2 lr, about that of Adam's (Liu et al., "Muon is Scalable for LLM Training",
/// arXiv:2502.16982, section 2.2): one learning rate suits both. All other parameters, biases, are updated by Adam.
class Muon : public Optimizer {
 public:
  Muon(const Named& parameters, const MuonOptions& options);

  void step(const std::vector<Tensor>& gradients, double lr) override;

  /// Adam's state of what it updates, and "m/NAME" for each matrix.
  Named state() const override;
  void load(const Named& state) override;

 private:
  Named matrix_means() const;

  MuonOptions options_;
  Named parameters_;
  std::vector<Tensor> means_;  // of matrices; undefined for others
  Adam adam_;                  // of all that are no matrices
};

}  // namespace lacuna
