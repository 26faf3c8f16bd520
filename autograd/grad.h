#pragma once

#include "autograd/variable.h"

namespace lacuna {

struct GradOptions {
  /// d loss / d y; undefined means ones, which for a scalar y is the plain gradient.
  Variable cotangent = {};
  /// Record the backward pass, so that the gradients can be differentiated again.
  bool create_graph = false;
};

/// Reverse-mode differentiation: the cotangents of `xs` for the cotangent of y. Where y does not depend on an x the
/// result is zeros. Cotangents are summed in a fixed order, the same on every run.
Variables grad(const Variable& y, const Variables& xs, const GradOptions& options = {});

}  // namespace lacuna
