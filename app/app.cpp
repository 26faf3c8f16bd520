#include "app/app.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <mutex>
#include <new>

#include "app/picture_files.h"
#include "app/progress.h"
#include "app/suggest.h"
#include "distributed/together.h"
#include "tensor/check.h"
#include "tensor/stream.h"
#include "tensor/trace.h"

namespace lacuna {
namespace {

/// Log messages on stderr, above the progress bar.
class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const std::string_view level = message.level >= spdlog::level::err    ? "error: "
                                   : message.level == spdlog::level::warn ? "warning: "
                                                                          : "";
    print_above_progress("lacuna: " + std::string(level) + std::string(text));
  }
  void flush_() override {}
};

const char* const common_options =
    "\n\nOptions of every command:\n"
    "  --threads N                 CPU threads (default: all cores); results do not depend on it\n"
    "  --trace FILE                Write where the time goes, for ui.perfetto.dev or chrome://tracing\n";

void build(CLI::App& app, std::string& trace_file) {
  app.require_subcommand(1, 1);
  app.fallthrough();
  app.get_formatter()->column_width(30);
  app.set_version_flag("--version,-V", std::string("lacuna ") + LACUNA_VERSION, "Print the version and exit");
  app.set_help_flag("--help,-h", "Print this help and exit");
  app.add_option_function<int>(
         "--threads", [](int n) { set_num_threads(n); },
         "CPU threads (default: all cores); results do not depend on it")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N");
  app.add_option_function<std::string>(
         "--trace",
         [&trace_file](const std::string& file) {
           check_can_write(file);
           trace_file = file;
           start_trace();
         },
         "Write where the time goes, for ui.perfetto.dev or chrome://tracing")
      ->type_name("FILE");
  app.footer(
      "Examples:\n"
      "  lacuna fill --model places.safetensors --image photo.png --mask hole.png --output whole.png\n"
      "  lacuna train --help\n"
      "  lacuna golden tests/golden\n"
      "'lacuna COMMAND --help' explains a command and shows examples.");
  add_fill(app);
  add_train(app);
  add_eval(app);
  add_import(app);
  add_info(app);
  add_convert(app);
  add_export(app);
  add_golden(app);
  add_gradcheck(app);
  add_bench(app);
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    std::string footer = command->get_footer();
    while (footer.ends_with('\n')) footer.pop_back();
    command->footer(footer + common_options);
  }
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// What is wrong with the command line, in words, with the nearest name that would have been right.
std::string explain(const CLI::App& app, const CLI::App* command, const CLI::ParseError& error) {
  const std::vector<std::string> rest = app.remaining(true);
  if (rest.empty()) {
    return command == nullptr && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ? "no command given"
                                                                                            : one_line(error.what());
  }
  const std::string& word = rest.front();
  if (word.size() > 1 && word[0] == '-') {
    const std::string option = word.substr(0, word.find('='));
    std::vector<std::string> known;
    for (const CLI::App* a : {&app, command}) {
      if (a == nullptr) continue;
      for (const CLI::Option* o : a->get_options()) {
        for (const std::string& name : o->get_lnames()) known.push_back("--" + name);
      }
    }
    return "unknown option '" + option + "'" + suggestion(option, known);
  }
  if (command != nullptr) return "unexpected argument '" + word + "'";
  std::vector<std::string> known;
  for (const CLI::App* c : app.get_subcommands([](const CLI::App*) { return true; })) known.push_back(c->get_name());
  return "unknown command '" + word + "'" + suggestion(word, known);
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App* command = chosen.empty() ? nullptr : chosen.front();
  const std::string name = command == nullptr ? "lacuna" : "lacuna " + command->get_name();
  std::cerr << name << ": error: " << explain(app, command, error) << "\nRun '" << name << " --help' for "
            << (command == nullptr ? "the commands" : "its options") << ".\n";
  return 2;
}

int failure(const std::string& what) {
  std::cerr << "lacuna: error: " << one_line(what) << '\n';
  return 1;
}

int parse_and_do(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
    std::cout.flush();
    check(std::cout.good(), "cannot write to standard output: is its disk full?");
    return 0;
  } catch (const CLI::Success& asked) {  // --help and --version
    return app.exit(asked, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  } catch (const SharedError& error) {
    return error.shown() ? failure(error.what()) : 1;
  } catch (const std::bad_alloc&) {
    return failure("out of memory: use smaller pictures, a smaller batch or fewer loader threads");
  } catch (const std::exception& error) {
    return failure(error.what());
  }
}

/// Of work that failed, too; the status says whether all went well.
int save_trace(const std::string& file, int status) {
  stop_trace();
  try {
    write_trace(file);
  } catch (const std::exception& error) {
    return failure(error.what());
  }
  spdlog::info("where the time went is in {}; ui.perfetto.dev shows it", file);
  return status;
}

}  // namespace

int run(int argc, const char* const* argv) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("lacuna", std::make_shared<StderrSink>()));
  CLI::App app(
      "Lacuna fills holes in pictures with a network that looks for matching texture elsewhere in the picture.",
      "lacuna");
  std::string trace_file;
  build(app, trace_file);
  const int status = parse_and_do(app, argc, argv);
  return trace_file.empty() ? status : save_trace(trace_file, status);
}

}  // namespace lacuna
