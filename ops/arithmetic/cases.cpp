#include "ops/cases.h"

#include <string>

#include "ops/arithmetic/arithmetic.h"

namespace lacuna {

OpCases arithmetic_cases() {
  OpCases cases;
  const struct {
    const char* name;
    Variable (*op)(const Variable&, const Variable&);
  } ops[] = {{"add", add}, {"sub", sub}, {"mul", mul}, {"div", div}};
  const struct {
    const char* name;
    Shape a, b;
  } pairs[] = {{"same shape", {2, 3, 2}, {2, 3, 2}},  {"scalar right", {2, 3}, {}},
               {"scalar left", {}, {2, 3}},           {"bias", {2, 2, 2, 3}, {3}},
               {"one channel", {2, 2, 1}, {2, 2, 3}}, {"both stretched", {2, 1, 3}, {1, 2, 1}}};
  for (const auto& [op_name, op] : ops) {
    for (const auto& [pair_name, a, b] : pairs) {
      cases.push_back({"arithmetic",
                       std::string(op_name) + " " + pair_name,
                       {"a", "b"},
                       {case_values(a, 31), case_values(b, 32, -1, 1, 0.5)},
                       [op = op](const Variables& v) { return op(v[0], v[1]); }});
    }
  }
  const Variable x = case_values({2, 3}, 33);
  cases.push_back({"arithmetic", "mul by itself", {"x"}, {x}, [](const Variables& v) { return v[0] * v[0]; }});
  cases.push_back({"arithmetic", "affine", {"x"}, {x}, [](const Variables& v) { return affine(v[0], -1.5, 0.25); }});
  return cases;
}

}  // namespace lacuna
