#include "ops/cases.h"

#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"

namespace lacuna {
namespace {

/// Both outputs in one.
Variable all_of(const Summed& summed) { return summed.value + summed.sums; }

}  // namespace

OpCases activation_cases() {
  const Variable x = case_values({2, 3, 2, 2}, 11, -1, 1, 0.01), g = case_values({2, 3, 2, 2}, 12);
  const Variable y = case_values({2, 3, 2, 2}, 13, -0.9, 0.9, 0.01);
  return {
      {"activation", "elu", {"x"}, {x}, [](const Variables& v) { return elu(v[0]); }},
      {"activation", "elu_grad", {"g", "y"}, {g, y}, [](const Variables& v) { return elu_grad(v[0], v[1]); }},
      {"activation", "relu", {"x"}, {x}, [](const Variables& v) { return relu(v[0]); }},
      {"activation", "leaky_relu", {"x"}, {x}, [](const Variables& v) { return leaky_relu(v[0], 0.2); }},
      {"activation", "clip", {"x"}, {x}, [](const Variables& v) { return clip(v[0], -0.5, 0.5); }},
      {"activation",
       "gate",
       {"g", "x"},
       {g, x},
       [](const Variables& v) { return gate(v[0], v[1], {.lo = -0.5, .hi = 0.5, .inside = 2, .outside = -1}); }},
      {"activation",
       "elu_grad_summed",
       {"g", "y"},
       {g, y},
       [](const Variables& v) { return all_of(elu_grad_summed(v[0], v[1])); }},
      {"activation",
       "gate_summed",
       {"g", "x"},
       {g, x},
       [](const Variables& v) {
         return all_of(gate_summed(v[0], v[1], {.lo = -0.5, .hi = 0.5, .inside = 2, .outside = -1}));
       }},
  };
}

}  // namespace lacuna
