#include "train/run.h"

#include <algorithm>
#include <optional>

#include "distributed/together.h"
#include "tensor/file.h"
#include "train/checkpoint_model.h"
#include "train/early_stop.h"
#include "train/import.h"
#include "train/run_log.h"
#include "train/validation.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
class Run {
 public:
  Run(const TrainConfig& config, const RunOptions& options, Communicator& communicator)
      : config_(config),
        folder_(options.folder),
        communicator_(communicator),
        trainer_(config, picture_source(config, {communicator.rank(), communicator.size()}), communicator,
                 options.device),
        early_stop_(config.early_stop) {
    list_pictures(config.data.sources);
  }

  /// On the first rank: reads or makes the folder.
  void open(const RunOptions& options) {
    check(config_.early_stop.patience == 0 || !config_.validation.empty(),
          "[train] early_stop.patience needs pictures to validate on: name them by --validation or data.validation");
    if (!config_.validation.empty()) validation_.emplace(config_, config_.validation, config_.validation_pictures);
    const TrainConfig::Log& log = config_.log;
    if (log.tensorboard && log.pictures_every > 0) training_.emplace(config_, config_.data.sources, log.pictures);
    if (options.resume) {
      restore();
    } else {
      begin(options.init);
    }
    log_.emplace(folder_, config_, trainer_.steps_done());
    for (const double value : log_->validated(config_.early_stop.metric)) early_stop_.add(value);
    write_file_atomically(folder_ / "config.toml", to_toml(config_), "train");
    if (!options.resume) write();
  }

  /// On all ranks, after that: they go on from the first one's state.
  void synchronise() {
    trainer_.synchronise();
    saved_ = trainer_.steps_done();
  }

  RunResult go(const std::atomic<bool>* stop, const std::function<void(const StepReport&)>& report) {
    const bool first = communicator_.is_first();
    const auto stopping = [&] { return communicator_.any((stop && stop->load()) || early_stop_.exhausted()); };
    while (trainer_.steps_done() < config_.steps && !stopping()) {
      const StepReport step = trainer_.step();
      const bool last = step.step == config_.steps;
      if (first) log_->add(step);
      if (training_ && log_->shows_pictures_after(step.step)) {
        log_->add_training_pictures(step.step, (*training_)(trainer_.result(), config_.log.pictures).rows);
      }
      if (validation_ && (step.step % config_.validate_every == 0 || last)) validate();
      if (step.step % config_.checkpoint_every == 0 || last) save();
      report(step);
    }
    if (saved_ != trainer_.steps_done()) save();
    const bool stopped = trainer_.steps_done() < config_.steps;
    return {trainer_.steps_done(), stopped, stopped && early_stop_.exhausted(),
            checkpoint_path(folder_ / "checkpoints", trainer_.steps_done())};
  }

  int64_t steps_done() const { return trainer_.steps_done(); }

 private:
  void begin(const fs::path& init) {
    check(!fs::exists(folder_) || (fs::is_directory(folder_) && fs::is_empty(folder_)), "[train] ", folder_.string(),
          " is not empty; go on with that run by --resume or name another folder");
    if (!init.empty()) {
      const Model model = load_model_or_checkpoint(init);
      auto parameters = model.generator.params().tensors();
      if (model.channel_order == "bgr") swap_red_and_blue(parameters);  // pictures come as RGB
      trainer_.start_from(parameters);
    }
    std::error_code error;
    fs::create_directories(folder_ / "checkpoints", error);
    check(!error, "[train] ", folder_.string(), ": cannot create the folder: ", error.message());
  }

  void restore() {
    const auto newest = newest_checkpoint(folder_ / "checkpoints");
    check(newest.has_value(), "[train] ", folder_.string(),
          " holds no checkpoint to go on from; start the run without --resume");
    const Checkpoint checkpoint = read_checkpoint(*newest);
    try {
      trainer_.restore(checkpoint);
    } catch (const Error& error) {
      fail("[train] ", newest->string(), " does not fit the configuration: ", error.what());
    }
    saved_ = trainer_.steps_done();
  }

  void save() {
    trainer_.check_synchronised();
    saved_ = trainer_.steps_done();
    if (communicator_.is_first()) write();
  }

  void write() {
    const Checkpoint state = trainer_.state();
    write_checkpoint(checkpoint_path(folder_ / "checkpoints", state.step), state);
    remove_old_checkpoints(folder_ / "checkpoints", config_.keep);
    write_model("model.safetensors", {});
  }

  void write_model(const char* name, const std::map<std::string, std::string>& more) {
    auto metadata = run_metadata(config_, trainer_.steps_done(), config_.ema_decay > 0);
    metadata.insert(more.begin(), more.end());
    save_model(folder_ / name, trainer_.result(), metadata, config_.storage);
  }

  void validate() {
    const Validation::Result result = (*validation_)(trainer_.result(), config_.log.pictures);
    log_->add_validation(trainer_.steps_done(), result);
    const std::string& metric = config_.early_stop.metric;
    for (const auto& [name, value] : result.metrics) {
      if (name != metric || !early_stop_.add(value)) continue;
      write_model("best.safetensors", {{"chosen_by", metric + " " + std::to_string(value) + " in validation"}});
    }
  }

  TrainConfig config_;
  fs::path folder_;
  Communicator& communicator_;
  Trainer trainer_;
  // On the first rank alone:
  std::optional<Validation> validation_, training_;
  std::optional<RunLog> log_;
  EarlyStop early_stop_;
  int64_t saved_ = -1;
};

}  // namespace

TrainConfig run_config(const fs::path& folder) {
  const fs::path file = folder / "config.toml";
  check(fs::exists(file), "[train] ", folder.string(), " holds no run to go on with: there is no ", file.string());
  return read_config(file);
}

RunResult train_run(const TrainConfig& config, const RunOptions& options, const std::function<void(int64_t)>& started,
                    const std::function<void(const StepReport&)>& report) {
  Communicator& communicator = options.communicator ? *options.communicator : single_process();
  std::optional<Run> run;
  together(communicator, [&] { run.emplace(config, options, communicator); });
  together(communicator, [&] {
    if (communicator.is_first()) run->open(options);
  });
  run->synchronise();
  started(run->steps_done());
  return run->go(options.stop, report);
}

}  // namespace lacuna
