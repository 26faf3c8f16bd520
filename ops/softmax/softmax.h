#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// exp(x - max) / sum(exp(x - max)) along the last axis. VJP: x' = y (y' - sum(y' y)).
Variable softmax(const Variable& x);

}  // namespace lacuna
