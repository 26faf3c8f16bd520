#include "ops/cases.h"

#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/upsampled.h"

namespace lacuna {
namespace {

struct Setting {
  const char* name;
  int64_t kernel;
  Conv2dOptions options;
};

const Setting settings[] = {
    {"1x1", 1, {}},
    {"1x1 stride 2", 1, {.stride = 2}},
    {"3x3 same", 3, {}},
    {"3x3 stride 2 same", 3, {.stride = 2}},
    {"5x5 stride 2 same", 5, {.stride = 2}},
    {"3x3 dilation 2 same", 3, {.dilation = 2}},
    {"3x3 stride 2 dilation 2 same", 3, {.stride = 2, .dilation = 2}},
    {"2x2 stride 3 valid", 2, {.stride = 3, .padding = Padding::valid}},
    {"3x3 reflect", 3, {.padding = Padding::reflect}},
    {"3x3 dilation 4 symmetric", 3, {.dilation = 4, .padding = Padding::symmetric}},
    {"3x3 stride 2 reflect", 3, {.stride = 2, .padding = Padding::reflect}},
};

}  // namespace

OpCases conv2d_cases() {
  OpCases cases;
  const Variable x = case_values({2, 5, 4, 2}, 31);
  for (const Setting& s : settings) {
    const Conv2dOptions options = s.options;
    const int64_t k = s.kernel;
    const Variable w = case_values({k, k, 2, 2}, 32);
    const Variable g = case_values(conv2d(x, w, options).shape(), 33);
    const std::string name = std::string(" ") + s.name;
    cases.push_back({"conv2d", "conv2d" + name, {"x", "w"}, {x, w}, [=](const Variables& v) {
                       return conv2d(v[0], v[1], options);
                     }});
    cases.push_back({"conv2d", "conv2d_input" + name, {"g", "w"}, {g, w}, [=](const Variables& v) {
                       return conv2d_input(v[0], v[1], 5, 4, options);
                     }});
    cases.push_back({"conv2d", "conv2d_weight" + name, {"x", "g"}, {x, g}, [=](const Variables& v) {
                       return conv2d_weight(v[0], v[1], k, k, options);
                     }});
  }
  using Kind = Activation::Kind;
  const Variable w = case_values({3, 3, 2, 2}, 34), b = case_values({2}, 35);
  for (const auto& [name, kind] : {std::pair{"none", Kind::none}, std::pair{"elu", Kind::elu},
                                   std::pair{"relu", Kind::relu}, std::pair{"leaky_relu", Kind::leaky_relu}}) {
    const Activation activation{.kind = kind};
    cases.push_back(
        {"conv2d", std::string("conv2d_bias_act ") + name, {"x", "w", "b"}, {x, w, b}, [=](const Variables& v) {
           return conv2d_bias_act(v[0], v[1], v[2], {.stride = 2}, activation);
         }});
  }
  for (const auto& [name, padding] : {std::pair{"same", Padding::same}, std::pair{"reflect", Padding::reflect},
                                      std::pair{"symmetric", Padding::symmetric}}) {
    cases.push_back({"conv2d",
                     std::string("upsampled_conv2d_bias_act ") + name,
                     {"x", "w", "b"},
                     {x, w, b},
                     [=](const Variables& v) {
                       return upsampled_conv2d_bias_act(v[0], v[1], v[2], padding, {.kind = Kind::elu});
                     }});
  }
  cases.push_back({"conv2d", "cell_kernels", {"w"}, {w}, [](const Variables& v) { return cell_kernels(v[0]); }});
  cases.push_back({"conv2d", "cell_kernels_adjoint", {"w"}, {case_values({4, 4, 3, 2}, 36)}, [](const Variables& v) {
                     return cell_kernels_adjoint(v[0]);
                   }});
  return cases;
}

}  // namespace lacuna
