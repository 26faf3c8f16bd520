#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

/// All that a training run goes on from: one safetensors file.
struct Checkpoint {
  int64_t step = 0;                                     ///< generator updates made
  uint64_t batches = 0;                                 ///< batches drawn, which number all random draws
  std::string config;                                   ///< the run's configuration as TOML
  std::vector<std::pair<std::string, Tensor>> tensors;  ///< the networks' parameters and the optimisers' states
};

/// Writes atomically: the file is either complete or not there.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// Throws Error "[checkpoint] FILE: reason".
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// folder/step_00001000.safetensors
std::filesystem::path checkpoint_path(const std::filesystem::path& folder, int64_t step);
/// The file of the most steps in a folder; none if there is no checkpoint (or no folder).
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);
/// Removes all checkpoints of a folder but the `keep` newest.
void remove_old_checkpoints(const std::filesystem::path& folder, int64_t keep);

}  // namespace lacuna
