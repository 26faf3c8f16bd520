#include "ops/cases.h"

#include <algorithm>

namespace lacuna {

OpCases all_op_cases() {
  OpCases all;
  for (const auto family : {broadcast_cases, arithmetic_cases, pointwise_cases, activation_cases, reduce_cases,
                            softmax_cases, matmul_cases, conv2d_cases, pad_cases, resize_cases, unfold_cases,
                            diagonal_cases, sample_cases, concat_cases, pool_cases, window_cases}) {
    OpCases cases = family();
    std::move(cases.begin(), cases.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace lacuna
