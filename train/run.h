#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "train/config.h"
#include "train/trainer.h"

namespace lacuna {

struct RunOptions {
  std::filesystem::path folder;  ///< everything that the run writes
  bool resume = false;         ///< go on from the folder's newest checkpoint; else the folder must be empty or missing
  std::filesystem::path init;  ///< a model file whose parameters a new run starts from; empty: random ones
  const std::atomic<bool>* stop = nullptr;  ///< asked between steps: save and return
};

struct RunResult {
  int64_t steps = 0;  ///< done, in all
  bool stopped = false;
  std::filesystem::path checkpoint;  ///< the last one written
};

/// The configuration that a run's folder keeps.
TrainConfig run_config(const std::filesystem::path& folder);

/// Trains, and writes into the folder:
///   config.toml                     the configuration
///   checkpoints/step_N.safetensors  every checkpoint_every steps, at the start, at the end and when stopped
///   model.safetensors               the generator of the newest checkpoint
///   validation/step_N.png           every validate_every steps and at the end
///   metrics.jsonl                   the losses every log_every steps ("kind": "train", means since the line before)
///   and what was
///                                   measured on the validation pictures ("kind": "validation"), one object a line
/// `started` is told the steps done before the first, `report` every step. Throws Error if the folder is not fit, if a
/// loss or gradient is not finite (nothing is saved then; the last checkpoint stays) and if something cannot be
/// written.
RunResult train_run(const TrainConfig& config, const RunOptions& options, const std::function<void(int64_t)>& started,
                    const std::function<void(const StepReport&)>& report);

}  // namespace lacuna
