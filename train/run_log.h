#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/config.h"
#include "train/event_file.h"
#include "train/log.h"
#include "train/trainer.h"
#include "train/validation.h"

namespace lacuna {

/// Means of what steps reported.
class StepMeans {
 public:
  void add(const StepReport& report);
  /// The losses, then the measures, by name, each over the steps that have it.
  std::vector<std::pair<std::string, double>> values() const;
  /// Since this was made.
  double pictures_per_second() const;

 private:
  struct Sum {
    std::string name;
    double total = 0;
    int64_t count = 0;
  };

  std::vector<Sum> losses_, measures_;
  int64_t pictures_ = 0;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

/// The tag that event files have for a name of metrics.jsonl: "loss/l1" for l1.
std::string event_tag(const std::string& name);

/// What a run writes for people to watch: metrics.jsonl, the validation
/// pictures and, if the configuration wants them, event files for TensorBoard.
class RunLog {
 public:
  /// Goes on behind `last_step`: what the folder's logs say of later steps is
  /// dropped.
  RunLog(const std::filesystem::path& folder, const TrainConfig& config, int64_t last_step);

  /// Takes what a step did; writes the means every log_every steps and after
  /// the last one.
  void add(const StepReport& report);
  /// Whether training pictures are to be shown after this step.
  bool shows_pictures_after(int64_t step) const;
  void add_training_pictures(int64_t step, const std::vector<Image>& rows);
  void add_validation(int64_t step, const Validation::Result& result);

  /// The values of a metric in all validations so far, in order.
  std::vector<double> validated(const std::string& metric) const;

 private:
  void add_pictures(int64_t step, const std::string& kind, const std::vector<Image>& rows);

  std::filesystem::path folder_;
  TrainConfig config_;
  MetricsLog log_;
  std::optional<EventFile> events_;
  StepMeans means_;
};

}  // namespace lacuna
