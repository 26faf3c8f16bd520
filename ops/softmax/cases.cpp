#include "ops/cases.h"

#include "ops/softmax/softmax.h"

namespace lacuna {

OpCases softmax_cases() {
  const auto of = [](const char* name, const Shape& shape) {
    return OpCase{
        "softmax", name, {"x"}, {case_values(shape, 61, -2, 2)}, [](const Variables& v) { return softmax(v[0]); }};
  };
  return {of("softmax of a row", {5}), of("softmax of rows", {2, 3, 4}), of("softmax of a long row", {1, 19})};
}

}  // namespace lacuna
