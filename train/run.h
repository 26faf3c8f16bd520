#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "distributed/communicator.h"
#include "train/config.h"
#include "train/trainer.h"

namespace lacuna {

struct RunOptions {
  std::filesystem::path folder;  ///< everything that the run writes
  bool resume = false;  ///< go on from the folder's newest checkpoint; else the folder must be empty or missing
  /// A model file or checkpoint whose generator a new run starts from; empty: random parameters. Critics, optimisers
  /// and averages start fresh.
  std::filesystem::path init;
  const std::atomic<bool>* stop = nullptr;  ///< asked between steps: save and return; on any rank, for all
  Communicator* communicator = nullptr;     ///< the ranks that train together; null: this process alone
  Device device = {};                       ///< where it is computed; checkpoints do not depend on it
};

struct RunResult {
  int64_t steps = 0;                 ///< done, in all
  bool stopped = false;              ///< before the last step
  bool out_of_patience = false;      ///< because the validation did not get better
  std::filesystem::path checkpoint;  ///< the last one written
};

/// The configuration that a run's folder keeps.
TrainConfig run_config(const std::filesystem::path& folder);

/// Trains, and writes into the folder:
///   config.toml                     the configuration
///   checkpoints/step_N.safetensors  every checkpoint_every steps, at the start, at the end and when stopped
///   model.safetensors               the generator of the newest checkpoint, of averaged parameters if they are kept
///   best.safetensors                the same as it was after the best validation so far (early_stop.metric)
///   validation/step_N.png           every validate_every steps and at the end
///   metrics.jsonl                   one object a line: losses and measures every log_every steps ("kind": "train",
///                                   means since the line before) and what was measured on the validation pictures
///                                   ("kind": "validation")
///   events.out.tfevents.*           all of these, pictures included, for TensorBoard; each start makes a file
/// Of several ranks the first alone reads and writes the folder; the others may not even see it.
/// `started` is told the steps done before the first, `report` every step. Throws Error if the folder is not fit, if a
/// loss or gradient is not finite (nothing is saved then; the last checkpoint stays) and if something cannot be
/// written.
RunResult train_run(const TrainConfig& config, const RunOptions& options, const std::function<void(int64_t)>& started,
                    const std::function<void(const StepReport&)>& report);

}  // namespace lacuna
