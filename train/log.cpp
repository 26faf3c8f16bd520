#include "train/log.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tensor/check.h"
#include "tensor/file.h"

namespace lacuna {
namespace {

using Json = nlohmann::ordered_json;

/// The lines that are sound.
std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::vector<Json> all;
  if (!std::filesystem::exists(path)) return all;
  std::istringstream lines(read_file(path, "log"));
  for (std::string text; std::getline(lines, text);) {
    Json line = Json::parse(text, nullptr, false);
    if (line.is_object() && line.contains("step") && line["step"].is_number_integer()) all.push_back(std::move(line));
  }
  return all;
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, int64_t last_step) : path_(std::move(path)) {
  std::string kept;
  for (const Json& line : read_lines(path_)) {
    if (line["step"].get<int64_t>() <= last_step) kept += line.dump() + "\n";
  }
  write_file_atomically(path_, kept, "log");
}

void MetricsLog::write(const Json& line) {
  std::ofstream out(path_, std::ios::app | std::ios::binary);
  out << line.dump() + "\n" << std::flush;
  check(out.good(), "[log] ", path_.string(), ": cannot append: ", std::strerror(errno));
}

std::vector<Json> MetricsLog::lines() const { return read_lines(path_); }

}  // namespace lacuna
