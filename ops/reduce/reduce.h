#pragma once

#include <vector>

#include "autograd/variable.h"

namespace lacuna {

/// Sum over all elements, a scalar. VJP: the cotangent broadcast. Summed in fixed blocks: the same bits for any thread
/// count.
Variable sum(const Variable& x);
/// Sum over `axes` (negative ones count from the last); they stay with extent 1 if keep_dims, else vanish.
Variable sum(const Variable& x, const std::vector<int>& axes, bool keep_dims = false);

Variable mean(const Variable& x);
Variable mean(const Variable& x, const std::vector<int>& axes, bool keep_dims = false);

/// Largest element along `axis`. VJP: the cotangent goes to the first element that attains it.
Variable max(const Variable& x, int axis, bool keep_dims = false);

/// Index (i32) of the first largest element along `axis`, which vanishes. Not differentiable.
Tensor argmax(const Tensor& x, int axis);

}  // namespace lacuna
