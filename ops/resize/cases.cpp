#include "ops/cases.h"

#include "ops/resize/resize.h"

namespace lacuna {

OpCases resize_cases() {
  OpCases cases;
  using Resize = Variable (*)(const Variable&, int64_t, int64_t, const ResizeOptions&);
  struct {
    const char* name;
    Resize resize;
  } const ops[] = {{"resize_nearest", resize_nearest},
                   {"resize_nearest_adjoint", resize_nearest_adjoint},
                   {"resize_bilinear", resize_bilinear},
                   {"resize_bilinear_adjoint", resize_bilinear_adjoint}};
  struct {
    const char* name;
    int64_t height, width;
  } const sizes[] = {{" to a larger picture", 6, 9}, {" to a smaller picture", 2, 3}, {" to one pixel", 1, 1}};
  for (const auto& [op, resize] : ops) {
    for (const auto& [size, height, width] : sizes) {
      for (const bool align_corners : {true, false}) {
        cases.push_back({"resize",
                         std::string(op) + size + (align_corners ? ", corners aligned" : ""),
                         {"x"},
                         {case_values({2, 3, 4, 2}, 51)},
                         [=, resize = resize, height = height, width = width](const Variables& v) {
                           return resize(v[0], height, width, {align_corners});
                         }});
      }
    }
  }
  return cases;
}

}  // namespace lacuna
