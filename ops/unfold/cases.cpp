#include "ops/cases.h"

#include "ops/unfold/unfold.h"

namespace lacuna {

OpCases unfold_cases() {
  OpCases cases;
  struct {
    const char* name;
    PatchOptions options;
  } const settings[] = {{" 3x3 same", {.kernel = 3, .stride = 1, .same = true}},
                        {" 4x4 stride 2 same", {.kernel = 4, .stride = 2, .same = true}},
                        {" 2x2 stride 3 same", {.kernel = 2, .stride = 3, .same = true}},
                        {" 3x3 stride 2 valid", {.kernel = 3, .stride = 2, .same = false}},
                        {" 1x1 stride 2 valid", {.kernel = 1, .stride = 2, .same = false}}};
  const Variable x = case_values({2, 4, 5, 2}, 61);
  for (const auto& [name, options] : settings) {
    const Variable patches = case_values(unfold(x, options).shape(), 62);
    cases.push_back({"unfold", std::string("unfold") + name, {"x"}, {x}, [o = options](const Variables& v) {
                       return unfold(v[0], o);
                     }});
    cases.push_back({"unfold", std::string("fold") + name, {"patches"}, {patches}, [o = options](const Variables& v) {
                       return fold(v[0], 4, 5, o);
                     }});
  }
  return cases;
}

}  // namespace lacuna
