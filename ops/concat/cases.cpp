#include "ops/cases.h"

#include "ops/concat/concat.h"

namespace lacuna {

OpCases concat_cases() {
  const Variable a = case_values({2, 2, 3}, 21), b = case_values({2, 1, 3}, 22), c = case_values({2, 3, 3}, 23);
  const Variable x = case_values({2, 3, 1, 4}, 24);
  return {
      {"concat", "concat", {"a", "b", "c"}, {a, b, c}, [](const Variables& v) { return concat(v, 1); }},
      {"concat", "concat first axis", {"a", "a"}, {a, a}, [](const Variables& v) { return concat(v, 0); }},
      {"concat", "slice", {"x"}, {x}, [](const Variables& v) { return slice(v[0], 1, 1, 2); }},
      {"concat", "slice last axis", {"x"}, {x}, [](const Variables& v) { return slice(v[0], -1, 0, 3); }},
      {"concat", "embed", {"x"}, {x}, [](const Variables& v) { return embed(v[0], 1, 2, 6); }},
      {"concat",
       "reshape",
       {"x"},
       {x},
       [](const Variables& v) {
         return reshape(v[0], {4, -1});
       }},
      {"concat",
       "permute inner axis kept",
       {"x"},
       {x},
       [](const Variables& v) {
         return permute(v[0], {1, 0, 2, 3});
       }},
      {"concat",
       "permute inner axis moved",
       {"x"},
       {x},
       [](const Variables& v) {
         return permute(v[0], {3, 2, 0, 1});
       }},
  };
}

}  // namespace lacuna
