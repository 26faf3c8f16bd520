#include "train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "tensor/safetensors.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "step_", suffix = ".safetensors";
constexpr const char* format_name = "lacuna-checkpoint";

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class T>
T counter(const Safetensors& file, const char* key, const fs::path& path) {
  const auto found = file.metadata.find(key);
  check(found != file.metadata.end(), "[checkpoint] ", path.string(), ": its metadata lack ", key);
  const std::optional<T> value = whole_number<T>(found->second);
  check(value && *value >= 0, "[checkpoint] ", path.string(), ": its metadata say ", key, " = ", found->second);
  return *value;
}

/// The checkpoints of a folder by their steps.
std::map<int64_t, fs::path> checkpoints_in(const fs::path& folder) {
  std::map<int64_t, fs::path> found;
  if (!fs::is_directory(folder)) return found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    const std::string_view digits(name.data() + prefix.size(), name.size() - prefix.size() - suffix.size());
    if (const auto step = whole_number<int64_t>(digits)) found[*step] = entry.path();
  }
  return found;
}

}  // namespace

void write_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  write_safetensors(path, {{{"format", format_name},
                            {"step", std::to_string(checkpoint.step)},
                            {"batches", std::to_string(checkpoint.batches)},
                            {"config", checkpoint.config}},
                           checkpoint.tensors});
}

Checkpoint read_checkpoint(const fs::path& path) {
  Safetensors file = read_safetensors(path);
  const auto format = file.metadata.find("format");
  check(format != file.metadata.end() && format->second == format_name, "[checkpoint] ", path.string(),
        ": is no checkpoint of a training run (its metadata do not say format = ", format_name, ")");
  return {counter<int64_t>(file, "step", path), counter<uint64_t>(file, "batches", path), file.metadata["config"],
          std::move(file.tensors)};
}

fs::path checkpoint_path(const fs::path& folder, int64_t step) {
  std::string digits = std::to_string(step);
  digits.insert(0, std::max<size_t>(8, digits.size()) - digits.size(), '0');
  return folder / (std::string(prefix) + digits + std::string(suffix));
}

std::optional<fs::path> newest_checkpoint(const fs::path& folder) {
  const auto all = checkpoints_in(folder);
  if (all.empty()) return std::nullopt;
  return all.rbegin()->second;
}

void remove_old_checkpoints(const fs::path& folder, int64_t keep) {
  const auto all = checkpoints_in(folder);
  int64_t surplus = static_cast<int64_t>(all.size()) - keep;
  for (auto i = all.begin(); surplus > 0; ++i, --surplus) fs::remove(i->second);
}

}  // namespace lacuna
