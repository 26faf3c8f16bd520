#include "train/run.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "tensor/file.h"
#include "tensor/image.h"
#include "train/import.h"
#include "train/log.h"
#include "train/model_file.h"
#include "train/validation.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

/// Means of the steps' losses since the last line of the log.
class Means {
 public:
  void add(const StepReport& report) {
    for (const auto& [name, value] : report.losses) {
      const auto same = [&](const Sum& sum) { return sum.name == name; };
      const auto known = std::find_if(sums_.begin(), sums_.end(), same);
      Sum& sum = known == sums_.end() ? sums_.emplace_back(Sum{name}) : *known;
      sum.total += value;
      ++sum.count;
    }
    pictures_ += report.pictures;
  }

  Json line(const StepReport& report) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - since_).count();
    Json line{{"step", report.step}, {"kind", "train"}, {"lr", report.lr}};
    for (const Sum& sum : sums_) line[sum.name] = sum.total / static_cast<double>(sum.count);
    line["pictures_per_second"] = static_cast<double>(pictures_) / seconds;
    *this = Means();
    return line;
  }

 private:
  struct Sum {
    std::string name;
    double total = 0;
    int64_t count = 0;
  };

  std::vector<Sum> sums_;
  int64_t pictures_ = 0;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

class Run {
 public:
  Run(const TrainConfig& config, const RunOptions& options)
      : config_(config), folder_(options.folder), trainer_(config, picture_source(config)) {
    list_pictures(config.data.sources);  // throws before anything is written
    if (!config.validation.empty()) validation_.emplace(config);
    if (options.resume) {
      restore();
    } else {
      begin(options.init);
    }
    log_.emplace(folder_ / "metrics.jsonl", trainer_.steps_done());
    write_file_atomically(folder_ / "config.toml", to_toml(config), "train");
    if (!options.resume) save();
  }

  RunResult go(const std::atomic<bool>* stop, const std::function<void(const StepReport&)>& report) {
    const auto stopping = [&] { return stop && stop->load(); };
    while (trainer_.steps_done() < config_.steps && !stopping()) {
      const StepReport step = trainer_.step();
      means_.add(step);
      const bool last = step.step == config_.steps;
      if (step.step % config_.log_every == 0 || last) log_->write(means_.line(step));
      if (validation_ && (step.step % config_.validate_every == 0 || last)) validate();
      if (step.step % config_.checkpoint_every == 0 || last) save();
      report(step);
    }
    if (saved_ != trainer_.steps_done()) save();
    return {trainer_.steps_done(), trainer_.steps_done() < config_.steps,
            checkpoint_path(folder_ / "checkpoints", trainer_.steps_done())};
  }

  int64_t steps_done() const { return trainer_.steps_done(); }

 private:
  void begin(const fs::path& init) {
    check(!fs::exists(folder_) || (fs::is_directory(folder_) && fs::is_empty(folder_)), "[train] ", folder_.string(),
          " is not empty; go on with that run by --resume or name another folder");
    if (!init.empty()) {
      const Model model = load_model(init);
      auto parameters = model.generator.params().tensors();
      if (model.channel_order == "bgr") swap_red_and_blue(parameters);  // pictures come as RGB
      trainer_.generator().params().assign(parameters);
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
    const Checkpoint state = trainer_.state();
    write_checkpoint(checkpoint_path(folder_ / "checkpoints", state.step), state);
    remove_old_checkpoints(folder_ / "checkpoints", config_.keep);
    save_model(folder_ / "model.safetensors", trainer_.generator(),
               {{"description", "trained by lacuna train"},
                {"trained_on", joined(config_.data.sources)},
                {"step", std::to_string(state.step)}});
    saved_ = state.step;
  }

  void validate() {
    const Validation::Result result = (*validation_)(trainer_.generator());
    Json line{{"step", trainer_.steps_done()}, {"kind", "validation"}};
    for (const auto& [name, value] : result.metrics) line[name] = value;
    log_->write(line);
    fs::create_directories(folder_ / "validation");
    fs::path file = checkpoint_path(folder_ / "validation", trainer_.steps_done()).replace_extension(".png");
    write_image(file, to_image(result.grid));
  }

  TrainConfig config_;
  fs::path folder_;
  Trainer trainer_;
  std::optional<Validation> validation_;
  std::optional<MetricsLog> log_;
  Means means_;
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
  Run run(config, options);
  started(run.steps_done());
  return run.go(options.stop, report);
}

}  // namespace lacuna
