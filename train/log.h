#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace lacuna {

/// A file of one JSON object a line, each with a whole number "step", to which a run appends. Every line is on its way
/// to the disk when write() returns.
class MetricsLog {
 public:
  /// Opens or creates the file. Lines of later steps than `last_step`, and a last line that was cut off, are dropped.
  MetricsLog(std::filesystem::path path, int64_t last_step);

  void write(const nlohmann::ordered_json& line);
  /// All lines there are now.
  std::vector<nlohmann::ordered_json> lines() const;

 private:
  std::filesystem::path path_;
};

}  // namespace lacuna
