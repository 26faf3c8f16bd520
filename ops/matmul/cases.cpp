#include "ops/cases.h"

#include "ops/matmul/matmul.h"

namespace lacuna {

OpCases matmul_cases() {
  OpCases cases;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      const Variable a = case_values(ta ? Shape{4, 3} : Shape{3, 4}, 21),
                     b = case_values(tb ? Shape{2, 4} : Shape{4, 2}, 22);
      cases.push_back({"matmul",
                       std::string("matmul") + (ta ? " a^T" : "") + (tb ? " b^T" : ""),
                       {"a", "b"},
                       {a, b},
                       [=](const Variables& v) { return matmul(v[0], v[1], {.transpose_a = ta, .transpose_b = tb}); }});
    }
  }
  const Variable batch = case_values({2, 3, 4}, 23), other = case_values({2, 4, 2}, 24),
                 shared = case_values({4, 2}, 25);
  const auto product = [](const Variables& v) { return matmul(v[0], v[1]); };
  cases.push_back({"matmul", "matmul batched", {"a", "b"}, {batch, other}, product});
  cases.push_back({"matmul", "matmul shared b", {"a", "b"}, {batch, shared}, product});
  cases.push_back({"matmul", "matmul shared a", {"a", "b"}, {Variable(case_values({3, 4}, 26)), other}, product});
  return cases;
}

}  // namespace lacuna
