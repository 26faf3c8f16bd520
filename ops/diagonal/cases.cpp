#include "ops/cases.h"

#include "ops/diagonal/diagonal.h"

namespace lacuna {

OpCases diagonal_cases() {
  const auto sum_over = [](const ShiftRange& shifts) {
    return [shifts](const Variables& v) { return diagonal_sum(v[0], shifts); };
  };
  const Variable x = case_values({2, 2, 3, 3, 2}, 31);
  return {
      {"diagonal", "diagonal_sum 3x3", {"x"}, {x}, sum_over({-1, 1, -1, 1})},
      {"diagonal", "diagonal_sum 2x2 forwards", {"x"}, {x}, sum_over({0, 1, 0, 1})},
      {"diagonal", "diagonal_sum 2x2 down and left", {"x"}, {x}, sum_over({0, 1, -1, 0})},
      {"diagonal", "diagonal_sum one shift", {"x"}, {x}, sum_over({1, 1, -1, -1})},
      {"diagonal", "diagonal_sum of a flat matrix", {"x"}, {case_values({1, 1, 5, 1, 6}, 32)}, sum_over({0, 0, -1, 1})},
  };
}

}  // namespace lacuna
