#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iomanip>
#include <iostream>

#include "app/app.h"
#include "app/interrupt.h"
#include "app/progress.h"
#include "train/run.h"

namespace lacuna {
namespace {

struct TrainArguments {
  std::string config, out, init;
  std::vector<std::string> data, validation;
  bool resume = false;
  int64_t steps = 0;
  uint64_t seed = 0;
};

/// "l1 0.123, ae 0.045, 8.1 images/s"
std::string describe(const StepReport& report, double pictures_per_second) {
  std::ostringstream note;
  note << std::setprecision(3);
  for (const auto& [name, value] : report.losses) {
    if (name != "loss") note << name << ' ' << value << ", ";
  }
  note << pictures_per_second << " images/s";
  return note.str();
}

/// A word as a shell takes it.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-./=:,+@%") == std::string::npos;
  if (plain) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

void train(const CLI::App& command, const TrainArguments& arguments) {
  if (arguments.config.empty() && !arguments.resume) throw CLI::RequiredError("--config (or --resume)");
  TrainConfig config = arguments.config.empty() ? run_config(arguments.out) : read_config(arguments.config);
  if (!arguments.data.empty()) config.data.sources = arguments.data;
  if (!arguments.validation.empty()) config.validation = arguments.validation;
  if (command.count("--steps") > 0) config.steps = arguments.steps;
  if (command.count("--seed") > 0) config.seed = arguments.seed;
  check_config(config);
  check(!config.data.sources.empty(),
        "[train] no pictures to train on: name a folder by --data or data.train in the configuration");

  const Interrupt interrupt;
  std::optional<Progress> progress;
  auto last = std::chrono::steady_clock::now();
  double rate = 0;
  const auto started = [&](int64_t done) {
    spdlog::info("training in {}: steps {} to {}", arguments.out, done + 1, config.steps);
    progress.emplace("train", config.steps, done, ProgressOptions{.unit = "step"});
    last = std::chrono::steady_clock::now();
  };
  const auto report = [&](const StepReport& step) {
    const auto now = std::chrono::steady_clock::now();
    const double current = static_cast<double>(step.pictures) / std::chrono::duration<double>(now - last).count();
    rate = rate == 0 ? current : 0.9 * rate + 0.1 * current;
    last = now;
    progress->update(step.step, describe(step, rate));
  };
  const RunOptions options{arguments.out, arguments.resume, arguments.init, &interrupt.requested()};
  const RunResult result = train_run(config, options, started, report);
  progress.reset();
  if (result.stopped) {
    spdlog::info("stopped after step {}; {} is saved. To go on:", result.steps, result.checkpoint.string());
    std::cout << "lacuna train --out " << quoted(arguments.out) << " --resume\n";
  } else {
    spdlog::info("done: {} steps; the model is {}", result.steps,
                 (std::filesystem::path(arguments.out) / "model.safetensors").string());
  }
}

}  // namespace

void add_train(CLI::App& app) {
  CLI::App* command = app.add_subcommand("train", "Train a network on a folder of pictures");
  auto arguments = std::make_shared<TrainArguments>();
  command->add_option("--config,-c", arguments->config, "TOML file that says what to train and how")->type_name("FILE");
  command
      ->add_option("--data,-d", arguments->data,
                   "Folder of pictures, or .txt file of paths, instead of the configuration's; may be repeated")
      ->type_name("PATH");
  command
      ->add_option("--validation", arguments->validation,
                   "Pictures to look at and measure during training, instead of the configuration's; may be repeated")
      ->type_name("PATH");
  command
      ->add_option("--out,-o", arguments->out,
                   "Folder of the run: checkpoints, model, log; new or empty unless --resume")
      ->type_name("RUN")
      ->required();
  command->add_flag("--resume,-r", arguments->resume,
                    "Go on from RUN's newest checkpoint, by RUN's configuration unless --config names another");
  command->add_option("--init", arguments->init, "Start a new run from this model's parameters")
      ->type_name("MODEL")
      ->excludes("--resume");
  command->add_option("--steps", arguments->steps, "Generator updates in all, instead of the configuration's")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", arguments->seed, "Of everything random, instead of the configuration's")
      ->type_name("N");
  command->footer(
      "Ctrl-C saves a checkpoint after the step at hand and says how to go on.\n"
      "Examples:\n"
      "  lacuna train --config train/configs/cpu.toml --data photos/ --out runs/first\n"
      "  lacuna train --out runs/first --resume\n");
  command->callback([command, arguments] { train(*command, *arguments); });
}

}  // namespace lacuna
