#include "ops/cases.h"

#include "ops/pointwise/pointwise.h"

namespace lacuna {

OpCases pointwise_cases() {
  const Variable x = case_values({2, 3, 2}, 41, -2, 2, 0.05), positive = case_values({2, 3, 2}, 42, 0.5, 2);
  const auto of = [](const char* name, Variable (*op)(const Variable&), const Variable& at) {
    return OpCase{"pointwise", name, {"x"}, {at}, [op](const Variables& v) { return op(v[0]); }};
  };
  return {
      of("exp", exp, x),           of("log", log, positive), of("sqrt", sqrt, positive), of("rsqrt", rsqrt, positive),
      of("square", square, x),     of("abs", abs, x),        of("sign", sign, x),        of("sigmoid", sigmoid, x),
      of("softplus", softplus, x), of("tanh", tanh, x),
  };
}

}  // namespace lacuna
