#include "train/log.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tensor/check.h"
#include "tensor/file.h"

namespace lacuna {

MetricsLog::MetricsLog(std::filesystem::path path, int64_t last_step) : path_(std::move(path)) {
  std::string kept;
  if (std::filesystem::exists(path_)) {
    std::istringstream lines(read_file(path_, "log"));
    for (std::string text; std::getline(lines, text);) {
      const auto line = nlohmann::json::parse(text, nullptr, false);
      const bool sound = line.is_object() && line.contains("step") && line["step"].is_number_integer();
      if (sound && line["step"].get<int64_t>() <= last_step) kept += text + "\n";
    }
  }
  write_file_atomically(path_, kept, "log");
}

void MetricsLog::write(const nlohmann::ordered_json& line) {
  std::ofstream out(path_, std::ios::app | std::ios::binary);
  out << line.dump() + "\n" << std::flush;
  check(out.good(), "[log] ", path_.string(), ": cannot append: ", std::strerror(errno));
}

}  // namespace lacuna
