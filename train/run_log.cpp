#include "train/run_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "train/checkpoint.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

}  // namespace

void StepMeans::add(const StepReport& report) {
  const auto add_to = [](std::vector<Sum>& sums, const std::vector<std::pair<std::string, double>>& values) {
    for (const auto& [name, value] : values) {
      const auto same = [&, &n = name](const Sum& sum) { return sum.name == n; };
      const auto known = std::find_if(sums.begin(), sums.end(), same);
      Sum& sum = known == sums.end() ? sums.emplace_back(Sum{name}) : *known;
      sum.total += value;
      ++sum.count;
    }
  };
  add_to(losses_, report.losses);
  add_to(measures_, report.measures);
  pictures_ += report.pictures;
}

std::vector<std::pair<std::string, double>> StepMeans::values() const {
  std::vector<std::pair<std::string, double>> all;
  for (const auto* sums : {&losses_, &measures_}) {
    for (const Sum& sum : *sums) all.emplace_back(sum.name, sum.total / static_cast<double>(sum.count));
  }
  return all;
}

double StepMeans::pictures_per_second() const {
  const auto now = std::chrono::steady_clock::now();
  return static_cast<double>(pictures_) / std::chrono::duration<double>(now - since_).count();
}

std::string event_tag(const std::string& name) {
  if (name == "lr") return "learning_rate/generator";
  if (name == "critic_lr") return "learning_rate/critics";
  if (name == "pictures_per_second") return "speed/pictures_per_second";
  for (const std::string critic : {"critic_global", "critic_local"}) {
    if (name == critic) return critic + "/loss";
    if (name.starts_with(critic + "_")) return critic + "/" + name.substr(critic.size() + 1);
  }
  if (name.starts_with("gradient_")) return "gradient/" + name.substr(9);
  return "loss/" + (name == "loss" ? "all" : name);
}

RunLog::RunLog(const fs::path& folder, const TrainConfig& config, int64_t last_step)
    : folder_(folder), config_(config), log_(folder / "metrics.jsonl", last_step) {
  if (!config.log.tensorboard) return;
  events_.emplace(folder_, last_step + 1);
  events_->text(last_step, "configuration", "```toml\n" + to_toml(config) + "```\n");
}

void RunLog::add(const StepReport& report) {
  means_.add(report);
  if (report.step % config_.log_every != 0 && report.step != config_.steps) return;
  std::vector<std::pair<std::string, double>> values{{"lr", report.lr}};
  if (report.critic_lr > 0) values.emplace_back("critic_lr", report.critic_lr);
  for (const auto& value : means_.values()) values.push_back(value);
  values.emplace_back("pictures_per_second", means_.pictures_per_second());
  means_ = StepMeans();
  Json line{{"step", report.step}, {"kind", "train"}};
  for (const auto& [name, value] : values) line[name] = value;
  log_.write(line);
  if (!events_) return;
  for (auto& [name, value] : values) name = event_tag(name);
  events_->scalars(report.step, values);
}

bool RunLog::shows_pictures_after(int64_t step) const {
  const int64_t every = config_.log.pictures_every;
  return events_.has_value() && every > 0 && (step % every == 0 || step == config_.steps);
}

void RunLog::add_training_pictures(int64_t step, const std::vector<Image>& rows) {
  if (events_) add_pictures(step, "training", rows);
}

void RunLog::add_validation(int64_t step, const Validation::Result& result) {
  Json line{{"step", step}, {"kind", "validation"}};
  for (const auto& [name, value] : result.metrics) line[name] = value;
  log_.write(line);
  if (!result.rows.empty()) {
    fs::create_directories(folder_ / "validation");
    write_image(checkpoint_path(folder_ / "validation", step).replace_extension(".png"),
                one_above_the_other(result.rows));
  }
  if (!events_) return;
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, value] : result.metrics) values.emplace_back("validation/" + name, value);
  events_->scalars(step, values);
  add_pictures(step, "validation", result.rows);
}

std::vector<double> RunLog::validated(const std::string& metric) const {
  std::vector<double> values;
  for (const Json& line : log_.lines()) {
    if (line.value("kind", "") == "validation" && line.contains(metric) && line[metric].is_number()) {
      values.push_back(line[metric].get<double>());
    }
  }
  return values;
}

void RunLog::add_pictures(int64_t step, const std::string& kind, const std::vector<Image>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    events_->image(step, kind + "_pictures/" + std::to_string(i + 1), rows[i]);
  }
}

}  // namespace lacuna
