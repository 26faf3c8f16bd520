#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/compare.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

using Names = std::set<std::string>;

/// Which folders a folder's sources may include: the arrows point down only.
const std::map<std::string, Names> lower_folders{
    {"emulator", {}},
    {"tensor", {"emulator"}},
    {"autograd", {"tensor"}},
    {"ops", {"tensor", "autograd"}},
    {"optim", {"tensor", "autograd", "ops"}},
    {"distributed", {"tensor"}},
    {"nets", {"tensor", "autograd", "ops"}},
    {"train", {"tensor", "autograd", "ops", "optim", "distributed", "nets"}},
    {"app", {"tensor", "autograd", "ops", "optim", "distributed", "nets", "train", "bench"}},
    {"bench", {"tensor", "autograd", "ops", "optim", "distributed", "nets", "train"}},
    {"tests", {"tensor", "autograd", "ops", "optim", "distributed", "nets", "train", "bench", "app"}},
};

struct Source {
  fs::path path;  // from the repository root
  std::vector<std::string> lines;

  std::string folder() const { return path.begin()->string(); }
  /// The family of a file ops/<family>/<file>; "" for any other file.
  std::string family() const {
    const std::vector<fs::path> parts(path.begin(), path.end());
    return parts.size() == 3 && parts[0] == "ops" ? parts[1].string() : "";
  }
};

std::vector<Source> read_sources() {
  const Names extensions{".h", ".cpp", ".cu", ".cuh", ".inc"};
  const fs::path root(LACUNA_SOURCE_DIR);
  std::vector<Source> sources;
  for (const auto& [folder, lower] : lower_folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || !extensions.count(entry.path().extension().string())) continue;
      Source source{fs::relative(entry.path(), root), {}};
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) source.lines.push_back(line);
      sources.push_back(std::move(source));
    }
  }
  return sources;
}

/// What a source includes: with quotes our own, with angle brackets the system's.
std::vector<std::string> includes(const Source& source, bool own) {
  const std::regex pattern(own ? R"re(^\s*#\s*include\s*"([^"]+)".*)re" : R"re(^\s*#\s*include\s*<([^>]+)>.*)re");
  std::vector<std::string> names;
  for (const std::string& line : source.lines) {
    std::smatch match;
    if (std::regex_match(line, match, pattern)) names.push_back(match[1]);
  }
  return names;
}

/// The families that each family's VJPs are written in, directly or through others, as ops/CMakeLists.txt links them.
std::map<std::string, Names> lower_families() {
  std::map<std::string, Names> lower;
  std::ifstream file(LACUNA_SOURCE_DIR "/ops/CMakeLists.txt");
  const std::regex pattern(R"(^lacuna_family\(([a-z0-9_ ]+)\).*)");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, pattern)) continue;
    std::istringstream words(match[1]);
    std::string family;
    words >> family;
    Names& all = lower[family];
    for (std::string other; words >> other;) {
      CAPTURE(family);
      CAPTURE(other);
      CHECK(lower.count(other) == 1);  // lower families come first, so there are no cycles
      all.insert(other);
      all.insert(lower[other].begin(), lower[other].end());
    }
  }
  return lower;
}

/// Whether a source may speak to Eigen, OpenMP, vector instructions or CUDA. Tests and benchmarks compare with them.
bool is_backend(const Source& source) {
  if (source.folder() == "tests" || source.folder() == "bench" || source.folder() == "emulator") return true;
  const std::string name = source.path.filename().string();
  if (source.folder() == "tensor" && (name.starts_with("memory") || name.starts_with("stream"))) return true;
  return name.starts_with("cpu") || name.starts_with("cuda") || source.path.extension() == ".inc";
}

}  // namespace

TEST_CASE("structure: our own includes are paths from the root and point downwards only") {
  for (const Source& source : read_sources()) {
    CAPTURE(source.path.string());
    for (const std::string& name : includes(source, true)) {
      CAPTURE(name);
      CHECK(fs::exists(fs::path(LACUNA_SOURCE_DIR) / name));
      const std::string folder = fs::path(name).begin()->string();
      CHECK((folder == source.folder() || lower_folders.at(source.folder()).count(folder) == 1));
    }
  }
}

TEST_CASE("structure: a family includes only itself and the families it is linked to") {
  const auto lower = lower_families();
  CHECK(!lower.empty());
  for (const Source& source : read_sources()) {
    const std::string family = source.family();
    if (family.empty()) continue;
    CAPTURE(source.path.string());
    REQUIRE(lower.count(family) == 1);
    for (const std::string& name : includes(source, true)) {
      const std::string other = Source{name, {}}.family();
      CAPTURE(name);
      CHECK((other.empty() || other == family || lower.at(family).count(other) == 1));
    }
  }
}

TEST_CASE("structure: Eigen, OpenMP, intrinsics and CUDA stay in kernels, tensor/memory and tensor/stream") {
  const std::regex backend_header(R"(Eigen/.*|omp\.h|.*intrin\.h|arm_neon\.h|cuda.*|cublas.*|cudnn.*|curand.*)");
  const std::regex backend_pragma(R"(^\s*#\s*pragma\s+omp\b.*)");
  for (const Source& source : read_sources()) {
    if (is_backend(source)) continue;
    CAPTURE(source.path.string());
    for (const std::string& name : includes(source, false)) {
      CAPTURE(name);
      CHECK_FALSE(std::regex_match(name, backend_header));
    }
    CHECK(std::none_of(source.lines.begin(), source.lines.end(),
                       [&](const std::string& line) { return std::regex_match(line, backend_pragma); }));
  }
}

TEST_CASE("structure: sockets, MPI and NCCL stay in the sources of distributed/") {
  const std::regex header(R"(mpi\.h|nccl\.h|netdb\.h|poll\.h|sys/socket\.h|(netinet|arpa)/.*)");
  for (const Source& source : read_sources()) {
    if (source.folder() == "distributed" && source.path.extension() == ".cpp") continue;
    CAPTURE(source.path.string());
    for (const std::string& name : includes(source, false)) {
      CAPTURE(name);
      CHECK_FALSE(std::regex_match(name, header));
    }
  }
}

TEST_CASE("structure: files stay short") {
  for (const Source& source : read_sources()) {
    CAPTURE(source.path.string());
    CHECK(source.lines.size() <= (source.folder() == "tests" ? 600 : 400));
  }
}

}  // namespace lacuna
