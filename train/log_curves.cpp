#include "train/log_curves.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tensor/check.h"
#include "tensor/file.h"

namespace lacuna {

std::vector<LogCurve> read_run_log(const std::filesystem::path& run) {
  const std::filesystem::path file = std::filesystem::is_directory(run) ? run / "metrics.jsonl" : run;
  check(std::filesystem::exists(file), "[log] ", run.string(), " holds no training run: there is no ", file.string());
  std::vector<LogCurve> curves;
  std::istringstream lines(read_file(file, "log"));
  for (std::string text; std::getline(lines, text);) {
    const auto line = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number()) continue;
    const double step = line["step"].get<double>();
    const std::string kind =
        line.contains("kind") && line["kind"].is_string() ? line["kind"].get<std::string>() : "train";
    for (const auto& [name, value] : line.items()) {
      if (name == "step" || !value.is_number() || !std::isfinite(value.get<double>())) continue;
      const auto same = [&, n = name](const LogCurve& c) { return c.kind == kind && c.name == n; };
      auto curve = std::find_if(curves.begin(), curves.end(), same);
      if (curve == curves.end()) curve = curves.insert(curves.end(), {kind, name, {}});
      curve->points.emplace_back(step, value.get<double>());
    }
  }
  check(!curves.empty(), "[log] ", file.string(), " holds no figures: is it the metrics.jsonl of a training run?");
  for (LogCurve& curve : curves) {
    std::stable_sort(curve.points.begin(), curve.points.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  return curves;
}

}  // namespace lacuna
