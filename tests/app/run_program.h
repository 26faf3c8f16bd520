#pragma once

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "app/app.h"

namespace lacuna::test {

/// What a run of the program returned and printed.
struct ProgramRun {
  int status = 0;
  std::string out, err;
};

/// Runs `lacuna ARGUMENTS...` in this process.
inline ProgramRun run_program(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"lacuna"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  std::streambuf* const out_before = std::cout.rdbuf(out.rdbuf());
  std::streambuf* const err_before = std::cerr.rdbuf(err.rdbuf());
  const int status = run(static_cast<int>(argv.size()), argv.data());
  std::cout.rdbuf(out_before);
  std::cerr.rdbuf(err_before);
  return {status, out.str(), err.str()};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace lacuna::test
