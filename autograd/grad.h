#pragma once

#include <functional>

#include "autograd/variable.h"

namespace lacuna {

struct GradOptions {
  /// d loss / d y; undefined means ones, which for a scalar y is the plain gradient.
  Variable cotangent = {};
  /// Record the backward pass, so that the gradients can be differentiated again.
  bool create_graph = false;
  /// Called once for each of the xs with its place among them and its gradient, as soon as nothing more will be added
  /// to it: while the backward pass is still on its way to the others. The order is that of the tape, the same on every
  /// run.
  std::function<void(size_t index, const Variable& gradient)> on_ready = {};
};

/// Reverse-mode differentiation: the cotangents of `xs` for the cotangent of y. Where y does not depend on an x the
/// result is zeros. Cotangents are summed in a fixed order, the same on every run.
Variables grad(const Variable& y, const Variables& xs, const GradOptions& options = {});

}  // namespace lacuna
