#include "train/golden.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "app/app.h"
#include "app/device_option.h"
#include "app/precision_option.h"
#include "app/suggest.h"
#include "app/table.h"
#include "tensor/check.h"
#include "tensor/stream.h"

namespace lacuna {
namespace {

struct GoldenArguments {
  std::vector<std::string> paths;
  bool failures = false;
  std::string device = "cpu";
  std::optional<Precision> precision;
};

void golden(const GoldenArguments& arguments) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : arguments.paths) {
    for (const auto& file : golden_files(path)) files.push_back(file);
  }
  GoldenArithmetic arithmetic{.device = find_device(arguments.device)};
  if (arguments.precision) {
    arithmetic.dtype = DType::f32;
    arithmetic.precision = *arguments.precision;
  }
  Table table({"case", "tensor", "error", "tolerance", "verdict"});
  int64_t passed = 0, failed = 0, meaningless = 0;
  for (const auto& file : files) {
    for (const GoldenResult& r : run_golden_case(file, arithmetic)) {
      ++(!r.passed ? failed : r.meaningless ? meaningless : passed);
      if (r.passed && arguments.failures) continue;
      const std::string verdict = r.passed           ? (r.meaningless ? "-" : "pass")
                                  : r.reason.empty() ? "FAIL"
                                                     : "FAIL: " + r.reason;
      table.add({r.name, r.tensor, short_number(r.error), short_number(r.tolerance), verdict});
    }
  }
  if (!table.empty()) table.print(std::cout);
  std::cout << passed << " passed, " << failed << " failed";
  if (meaningless > 0) std::cout << ", " << meaningless << " too ill-conditioned for this precision";
  std::cout << std::endl;
  check(failed == 0, "[golden] ", failed, " of ", passed + failed + meaningless, " comparisons failed");
}

}  // namespace

void add_golden(CLI::App& app) {
  auto arguments = std::make_shared<GoldenArguments>();
  CLI::App* command = app.add_subcommand("golden", "Compare values and gradients with cases computed elsewhere");
  command->add_option("PATH", arguments->paths, "Golden files, or folders that hold some")->required()->type_name("");
  command->add_flag("--failures", arguments->failures, "List only what fails");
  add_precision_option(*command, arguments->precision, "Compute in f32 at highest, high or medium, not in f64");
  add_device_option(*command, arguments->device);
  command->footer(
      "A case is a safetensors file with inputs, expected outputs and expected gradients in float64. Its error is the\n"
      "largest difference over max(1, largest expected value). What cannot be checked has failed.\n"
      "In f32 the tolerance is a multiple of the change that an error in the operands' last digit makes in float64.\n"
      "Cases: " +
      joined(golden_kinds(), 100) +
      ".\n"
      "Examples:\n"
      "  lacuna golden tests/golden tests/golden_extra\n"
      "  lacuna golden --failures tests/golden/generator__0_same.safetensors");
  command->callback([arguments] { golden(*arguments); });
}

}  // namespace lacuna
