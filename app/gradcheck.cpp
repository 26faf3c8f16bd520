#include "autograd/gradcheck.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "app/app.h"
#include "app/device_option.h"
#include "app/suggest.h"
#include "app/table.h"
#include "ops/cases.h"
#include "tensor/check.h"

namespace lacuna {
namespace {

struct GradcheckArguments {
  std::vector<std::string> families;
  double tolerance = 1e-6;
  bool list = false;
  std::string device = "cpu";
};

std::vector<std::string> families_of(const OpCases& cases) {
  std::vector<std::string> families;
  for (const OpCase& c : cases) {
    if (std::find(families.begin(), families.end(), c.family) == families.end()) families.push_back(c.family);
  }
  return families;
}

/// The cases of the families asked for, all if none was.
OpCases chosen(const std::vector<std::string>& families) {
  OpCases cases = all_op_cases();
  const std::vector<std::string> known = families_of(cases);
  for (const std::string& family : families) {
    if (std::find(known.begin(), known.end(), family) == known.end()) {
      throw CLI::ValidationError("--family", "there is no family '" + family + "'" + suggestion(family, known) +
                                                 " (families: " + joined(known) + ")");
    }
  }
  if (families.empty()) return cases;
  std::erase_if(
      cases, [&](const OpCase& c) { return std::find(families.begin(), families.end(), c.family) == families.end(); });
  return cases;
}

void list(const OpCases& cases) {
  Table table({"family", "op", "inputs"});
  for (const OpCase& c : cases) table.add({c.family, c.op, joined(c.inputs)});
  table.print(std::cout);
}

/// One row an input, one for the cotangent, which only the second derivative has.
void check_case(const OpCase& c, Device device, double tolerance, Table& table, int64_t& passed, int64_t& failed) {
  Variables values;
  for (const Variable& x : c.values) values.push_back(Variable(x.value().to(device)));
  const std::vector<double> first = gradcheck(c.function, values).errors;
  const std::vector<double> second = gradgradcheck(c.function, values).errors;
  for (size_t k = 0; k < second.size(); ++k) {
    const bool is_input = k < first.size();
    const bool good = (!is_input || first[k] <= tolerance) && second[k] <= tolerance;
    ++(good ? passed : failed);
    table.add({c.op, is_input ? c.inputs.at(k) : "cotangent", is_input ? short_number(first[k]) : "-",
               short_number(second[k]), good ? "pass" : "FAIL"});
  }
}

void run_gradcheck(const GradcheckArguments& arguments) {
  const OpCases cases = chosen(arguments.families);
  if (arguments.list) return list(cases);
  const Device device = find_device(arguments.device);
  Table table({"op", "input", "error of 1st derivative", "2nd derivative", "verdict"});
  int64_t passed = 0, failed = 0;
  for (const OpCase& c : cases) check_case(c, device, arguments.tolerance, table, passed, failed);
  table.print(std::cout);
  std::cout << passed << " passed, " << failed << " failed" << std::endl;
  check(failed == 0, "[gradcheck] ", failed, " of ", passed + failed, " derivatives are off by more than ",
        arguments.tolerance);
}

}  // namespace

void add_gradcheck(CLI::App& app) {
  auto arguments = std::make_shared<GradcheckArguments>();
  CLI::App* command = app.add_subcommand("gradcheck", "Hold every op's derivatives against finite differences");
  command->add_option("--family,-f", arguments->families, "Only the ops of this family; may be repeated")
      ->type_name("NAME");
  command->add_option("--tolerance", arguments->tolerance, "Largest error |analytic - numeric| / max(1, |numeric|)")
      ->check(CLI::Validator(CLI::PositiveNumber).description(""))
      ->capture_default_str()
      ->type_name("E");
  add_device_option(*command, arguments->device);
  command->add_flag("--list", arguments->list, "List families, ops and inputs, and check nothing");
  command->footer(
      "First and second derivatives of every op with respect to every input, in float64, against central differences.\n"
      "Examples:\n"
      "  lacuna gradcheck\n"
      "  lacuna gradcheck --family conv2d --tolerance 1e-7\n"
      "  lacuna gradcheck --list");
  command->callback([arguments] { run_gradcheck(*arguments); });
}

}  // namespace lacuna
