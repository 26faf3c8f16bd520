#include "ops/cases.h"

#include "ops/reduce/reduce.h"

namespace lacuna {

OpCases reduce_cases() {
  const Variable x = case_values({2, 3, 2, 2}, 51), row = case_values({7}, 52);
  const auto of = [](const char* name, const Variable& at, Variable (*op)(const Variable&)) {
    return OpCase{"reduce", name, {"x"}, {at}, [op](const Variables& v) { return op(v[0]); }};
  };
  return {
      of("sum of all", x, [](const Variable& v) { return sum(v); }),
      of("sum over leading axes", x,
         [](const Variable& v) {
           return sum(v, {0, 1, 2});
         }),
      of("sum over the last axis, kept", x, [](const Variable& v) { return sum(v, {-1}, true); }),
      of("sum over alternating axes", x,
         [](const Variable& v) {
           return sum(v, {2, 0});
         }),
      of("mean of all", x, [](const Variable& v) { return mean(v); }),
      of("mean over inner axes", x,
         [](const Variable& v) {
           return mean(v, {1, 2});
         }),
      of("mean over the first axis, kept", x, [](const Variable& v) { return mean(v, {0}, true); }),
      of("max over the last axis", x, [](const Variable& v) { return max(v, -1); }),
      of("max over an inner axis, kept", x, [](const Variable& v) { return max(v, 1, true); }),
      of("max of a row", row, [](const Variable& v) { return max(v, 0); }),
  };
}

}  // namespace lacuna
