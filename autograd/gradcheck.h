#pragma once

#include <functional>
#include <vector>

#include "autograd/variable.h"

namespace lacuna {

/// A function of several variables with one output.
using Function = std::function<Variable(const Variables&)>;

struct GradcheckOptions {
  double step = 1e-6;       ///< of the central differences
  double tolerance = 1e-5;  ///< largest error that passes
  uint64_t seed = 1;        ///< of the random cotangent
};

struct GradcheckResult {
  /// For each input the largest |analytic - numeric| / max(1, |numeric|) over its elements.
  std::vector<double> errors;
  bool passed = false;

  double max_error() const;
};

/// Holds d<f(x),c>/dx, c a random cotangent, against central differences, element by element. All inputs must be f64;
/// they are taken as leaves whatever they were, on the device where they lie. f must be smooth within `step` of the
/// inputs.
GradcheckResult gradcheck(const Function& f, const Variables& inputs, const GradcheckOptions& options = {});

/// The same for the second derivative: checks the gradient of f's gradient with respect to every input and the
/// cotangent. The errors are per input; the last is that of the cotangent.
GradcheckResult gradgradcheck(const Function& f, const Variables& inputs, const GradcheckOptions& options = {});

}  // namespace lacuna
