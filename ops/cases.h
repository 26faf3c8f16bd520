#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace lacuna {

/// A small f64 instance of an op, away from its kinks: what `lacuna gradcheck` and the tests put through gradcheck and
/// gradgradcheck.
struct OpCase {
  std::string family;               ///< the folder in ops/
  std::string op;                   ///< with the setting that this case is about, e.g. "conv2d 3x3 stride 2 same"
  std::vector<std::string> inputs;  ///< their names
  Variables values;
  Function function;
};
using OpCases = std::vector<OpCase>;

/// Each family's cases, defined in ops/<family>/cases.cpp.
OpCases broadcast_cases();
OpCases arithmetic_cases();
OpCases pointwise_cases();
OpCases activation_cases();
OpCases reduce_cases();
OpCases softmax_cases();
OpCases matmul_cases();
OpCases conv2d_cases();
OpCases pad_cases();
OpCases resize_cases();
OpCases unfold_cases();
OpCases diagonal_cases();
OpCases sample_cases();
OpCases concat_cases();
OpCases pool_cases();
OpCases window_cases();

/// All of them, family by family.
OpCases all_op_cases();

/// A reproducible f64 tensor with elements uniform in [lo, hi) and, where `gap` > 0, none closer than gap to zero.
Tensor case_values(const Shape& shape, uint64_t seed, double lo = -1, double hi = 1, double gap = 0);

}  // namespace lacuna
