#include "ops/cases.h"

#include "ops/broadcast/broadcast.h"

namespace lacuna {

OpCases broadcast_cases() {
  const auto stretched = [](const char* op, const Shape& from, const Shape& to) {
    return OpCase{
        "broadcast", op, {"x"}, {case_values(from, 21)}, [to](const Variables& v) { return broadcast_to(v[0], to); }};
  };
  const auto summed = [](const char* op, const Shape& from, const Shape& to) {
    return OpCase{
        "broadcast", op, {"x"}, {case_values(from, 22)}, [to](const Variables& v) { return sum_to(v[0], to); }};
  };
  return {
      stretched("broadcast_to a scalar", {}, {2, 3}),
      stretched("broadcast_to leading axes", {3}, {2, 2, 3}),
      stretched("broadcast_to the last axis", {2, 3, 1}, {2, 3, 4}),
      stretched("broadcast_to alternating axes", {1, 2, 1, 3}, {2, 2, 2, 3}),
      summed("sum_to a scalar", {2, 3}, {}),
      summed("sum_to the last axis", {2, 2, 3}, {3}),
      summed("sum_to leading axes", {2, 3, 4}, {2, 3, 1}),
      summed("sum_to alternating axes", {2, 2, 2, 3}, {1, 2, 1, 3}),
  };
}

}  // namespace lacuna
