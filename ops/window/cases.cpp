#include "ops/cases.h"

#include "ops/window/window.h"

namespace lacuna {

OpCases window_cases() {
  const Variable x = case_values({2, 4, 5, 2}, 31), y = case_values({2, 3, 2, 2}, 32);
  const Tensor corners = Tensor::from<int32_t>({2, 2}, {1, 2, 0, 3}),
               beyond = Tensor::from<int32_t>({2, 2}, {-1, 4, 2, -3});
  const auto take = [](const Tensor& at) {
    return [at](const Variables& v) { return take_windows(v[0], at.to(v[0].value().device()), 3, 2); };
  };
  const auto place = [](const Tensor& at) {
    return [at](const Variables& v) { return place_windows(v[0], at.to(v[0].value().device()), 4, 5); };
  };
  return {
      {"window", "take_windows", {"x"}, {x}, take(corners)},
      {"window", "take_windows beyond the pictures", {"x"}, {x}, take(beyond)},
      {"window", "place_windows", {"y"}, {y}, place(corners)},
      {"window", "place_windows beyond the pictures", {"y"}, {y}, place(beyond)},
  };
}

}  // namespace lacuna
