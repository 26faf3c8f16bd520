#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lacuna {

/// What one figure of a run's log was at each step that has it.
struct LogCurve {
  std::string kind;  ///< "train" or "validation"
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< step, value; ascending steps
};

/// The curves of the metrics.jsonl in a run's folder, or of such a file itself, in order of first appearance: every
/// number but the step. A last line that was cut off is left out. Throws Error "[log] ..." if there is no such file or
/// it has no figures.
std::vector<LogCurve> read_run_log(const std::filesystem::path& run);

}  // namespace lacuna
