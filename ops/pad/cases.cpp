#include "ops/cases.h"

#include "ops/pad/pad.h"

namespace lacuna {

OpCases pad_cases() {
  OpCases cases;
  struct {
    const char* name;
    PadMode mode;
  } const modes[] = {{"zero", PadMode::zero}, {"reflect", PadMode::reflect}, {"symmetric", PadMode::symmetric}};
  for (const auto& [name, mode] : modes) {
    const auto pad_by = [mode](const Padding2d& p) { return [=](const Variables& v) { return pad(v[0], p, mode); }; };
    const auto unpad_by = [mode](const Padding2d& p) {
      return [=](const Variables& v) { return unpad(v[0], p, mode); };
    };
    const std::string of_mode = std::string(" ") + name;
    cases.push_back({"pad", "pad" + of_mode, {"x"}, {case_values({2, 3, 4, 2}, 41)}, pad_by({0, 1, 2, 3})});
    cases.push_back({"pad",
                     "pad" + of_mode + " by several pictures",
                     {"x"},
                     {case_values({1, 3, 2, 1}, 42)},
                     pad_by({7, 4, 5, 6})});
    cases.push_back({"pad", "unpad" + of_mode, {"g"}, {case_values({2, 5, 7, 2}, 43)}, unpad_by({1, 1, 2, 1})});
    cases.push_back({"pad",
                     "unpad" + of_mode + " by several pictures",
                     {"g"},
                     {case_values({1, 9, 8, 1}, 44)},
                     unpad_by({4, 2, 1, 6})});
  }
  cases.push_back({"pad", "crop", {"x"}, {case_values({2, 4, 5, 2}, 45)}, [](const Variables& v) {
                     return crop(v[0], 1, 2, 2, 3);
                   }});
  return cases;
}

}  // namespace lacuna
