#pragma once

namespace CLI {
class App;
}

namespace lacuna {

/// The program: parses the command line, does what it asks and returns the exit status: 0 done, 1 the work failed (one
/// line "lacuna: error: ..." on stderr says why), 2 the command line is wrong. Results go to std::cout, all else to
/// std::cerr.
int run(int argc, const char* const* argv);

// Each registers one command, whose callback does the work and throws Error where it cannot.
void add_train(CLI::App& app);
void add_fill(CLI::App& app);
void add_eval(CLI::App& app);
void add_import(CLI::App& app);
void add_info(CLI::App& app);
void add_convert(CLI::App& app);
void add_export(CLI::App& app);
void add_golden(CLI::App& app);
void add_gradcheck(CLI::App& app);
void add_bench(CLI::App& app);

}  // namespace lacuna
