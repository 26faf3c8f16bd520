#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <iostream>

#include "app/app.h"
#include "app/device_option.h"
#include "app/interrupt.h"
#include "app/precision_option.h"
#include "app/progress.h"
#include "app/shell_word.h"
#include "distributed/cores.h"
#include "distributed/launch.h"
#include "distributed/together.h"
#include "tensor/stream.h"
#include "train/run.h"

namespace lacuna {
namespace {

struct TrainArguments {
  std::string config, out, init, device = "auto";
  std::vector<std::string> data, validation;
  bool resume = false;
  int64_t steps = 0;
  uint64_t seed = 0;
  std::optional<Precision> precision;
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

TrainConfig config_of(const CLI::App& command, const TrainArguments& arguments) {
  TrainConfig config = arguments.config.empty() ? run_config(arguments.out) : read_config(arguments.config);
  if (!arguments.data.empty()) config.data.sources = arguments.data;
  if (!arguments.validation.empty()) config.validation = arguments.validation;
  if (command.count("--steps") > 0) config.steps = arguments.steps;
  if (command.count("--seed") > 0) config.seed = arguments.seed;
  if (arguments.precision) config.precision = *arguments.precision;
  check_config(config);
  check(!config.data.sources.empty(),
        "[train] no pictures to train on: name a folder by --data or data.train in the configuration");
  return config;
}

/// Each of the ranks on a host takes its share of the cores, unless told how many threads to use.
void share_cores(const CLI::App& command, Communicator& communicator) {
  const CoreShare share = core_share(communicator);
  const bool told = command.get_parent()->count("--threads") > 0 || std::getenv("OMP_NUM_THREADS") != nullptr;
  if (!told) set_num_threads(share.threads);
  if (!communicator.is_first()) return;
  spdlog::info("{} processes, {} on this host; each with {} threads", communicator.size(), share.ranks_here,
               num_threads());
  if (!told && share.cores_used < share.cores_at_hand) {
    spdlog::warn("the processes are bound to {} of this host's {} cores; 'mpirun --bind-to none' gives them all",
                 share.cores_used, share.cores_at_hand);
  }
}

/// Each of the ranks on a host has a GPU of its own, which may be the only one that the launcher lets it see.
Device device_of(const TrainArguments& arguments) {
  const Launch launch = read_launch([](const char* name) -> const char* { return std::getenv(name); });
  const int own = cuda_device_count() == 1 ? 0 : launch.local_rank;
  const bool any = arguments.device == "cuda" || (arguments.device == "auto" && cuda_obstacle(own).empty());
  if (launch.size == 1 || !any) return chosen_device(arguments.device);
  return find_device("cuda:" + std::to_string(own));
}

void train(const CLI::App& command, const TrainArguments& arguments, Device device, Communicator& communicator) {
  // Read once, by the first rank, so that all train by the same.
  std::string settings;
  together(communicator, [&] {
    if (communicator.is_first()) settings = to_toml(config_of(command, arguments));
  });
  const TrainConfig config = parse_config(communicator.broadcast(settings), "configuration");
  const bool several = communicator.size() > 1, first = communicator.is_first();
  if (several) share_cores(command, communicator);

  const Interrupt interrupt;
  std::optional<Progress> progress;
  auto last = std::chrono::steady_clock::now();
  double rate = 0;
  const auto started = [&](int64_t done) {
    if (!first) return;
    if (done >= config.steps) {
      spdlog::info("{} has all of its {} steps; --steps N goes on to more", arguments.out, config.steps);
      return;
    }
    spdlog::info("training in {}: steps {} to {}", arguments.out, done + 1, config.steps);
    if (config.log.tensorboard) spdlog::info("to watch it: tensorboard --logdir {}", shell_word(arguments.out));
    progress.emplace("train", config.steps, done, ProgressOptions{.unit = "step"});
    last = std::chrono::steady_clock::now();
  };
  const auto report = [&](const StepReport& step) {
    if (!first) return;
    const auto now = std::chrono::steady_clock::now();
    const double current = static_cast<double>(step.pictures) / std::chrono::duration<double>(now - last).count();
    rate = rate == 0 ? current : 0.9 * rate + 0.1 * current;
    last = now;
    progress->update(step.step, describe(step, rate));
  };
  const RunOptions options{arguments.out,          arguments.resume, arguments.init,
                           &interrupt.requested(), &communicator,    device};
  const RunResult result = train_run(config, options, started, report);
  progress.reset();
  if (!first) return;
  if (result.out_of_patience) {
    spdlog::info("ended after step {}: {} has not got better in {} validations; the best model is {}", result.steps,
                 config.early_stop.metric, config.early_stop.patience,
                 (std::filesystem::path(arguments.out) / "best.safetensors").string());
  } else if (result.stopped) {
    spdlog::info("stopped after step {}; {} is saved. To go on:", result.steps, result.checkpoint.string());
    std::cout << "lacuna train --out " << shell_word(arguments.out) << " --resume\n";
  } else {
    spdlog::info("done: {} steps; the model is {}", result.steps,
                 (std::filesystem::path(arguments.out) / "model.safetensors").string());
  }
}

/// A rank that fails on its own says so and ends the others. Whatever there is to say is said before this rank leaves
/// them: launchers may end all when the first has gone.
void train(const CLI::App& command, const TrainArguments& arguments) {
  if (arguments.config.empty() && !arguments.resume) throw CLI::RequiredError("--config (or --resume)");
  const Device device = device_of(arguments);
  const std::unique_ptr<Communicator> communicator = make_communicator(device);
  if (communicator->size() == 1) return train(command, arguments, device, *communicator);
  std::string reason;
  try {
    return train(command, arguments, device, *communicator);
  } catch (const SharedError& error) {
    if (error.shown()) spdlog::error("{}", error.what());
    throw SharedError(error.what(), false);
  } catch (const std::bad_alloc&) {
    reason = "out of memory: use smaller pictures, a smaller batch or fewer loader threads";
  } catch (const std::exception& error) {
    reason = error.what();
  }
  reason = "rank " + std::to_string(communicator->rank()) + ": " + reason;
  spdlog::error("{}", reason);
  communicator->abort(reason);
  throw SharedError(reason, false);
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
                   "Folder of the run: checkpoints, models, logs; new or empty unless --resume")
      ->type_name("RUN")
      ->required();
  command->add_flag("--resume,-r", arguments->resume,
                    "Go on from RUN's newest checkpoint, by RUN's configuration unless --config names another");
  command
      ->add_option("--init", arguments->init,
                   "Start a new run from the generator of this model or checkpoint, with fresh critics")
      ->type_name("MODEL")
      ->excludes("--resume");
  command->add_option("--steps", arguments->steps, "Generator updates in all, instead of the configuration's")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", arguments->seed, "Of everything random, instead of the configuration's")
      ->type_name("N")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 62).description(""));
  add_precision_option(*command, arguments->precision,
                       "Of products and convolutions, instead of the configuration's: highest (f32), high or medium "
                       "(bf16 operands)");
  add_device_option(*command, arguments->device);
  command->footer(
      "'tensorboard --logdir RUN' shows a run while it lasts.\n"
      "Ctrl-C (SIGINT), SIGTERM or SIGUSR1 saves a checkpoint after the step at hand and says how to go on.\n"
      "Several processes share each batch: started by mpirun, by srun, or with RANK, WORLD_SIZE, MASTER_ADDR and\n"
      "MASTER_PORT in the environment, as torchrun does.\n"
      "Examples:\n"
      "  lacuna train --config train/configs/cpu.toml --data photos/ --out runs/first\n"
      "  lacuna train --out runs/first --resume\n"
      "  mpirun -n 4 --bind-to none lacuna train --config train/configs/paper.toml --data photos/ --out runs/four\n");
  command->callback([command, arguments] { train(*command, *arguments); });
}

}  // namespace lacuna
