#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nets/critics.h"
#include "nets/generator.h"
#include "optim/adam.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace lacuna {

/// Yields the next batch of pictures, (N,H,W,3) in [-1,1].
using PictureSource = std::function<Tensor()>;
/// Opens a sequence of batches at a given batch; batch k must be the same whenever it is asked for.
using OpenSource = std::function<PictureSource(uint64_t first_batch)>;

/// The pictures that a configuration names, read in the background.
OpenSource picture_source(const TrainConfig& config);

/// What one step did.
struct StepReport {
  int64_t step = 0;      ///< steps done, this one included
  int64_t pictures = 0;  ///< that were looked at
  double lr = 0;
  /// By name, as computed before the update; those of the critics are means over their updates.
  std::vector<std::pair<std::string, double>> losses;
};

/// The training recipe (METHOD section 6). A step makes `critic_steps` updates of the critics, each on a fresh batch
/// with fresh holes and against the generator as it stands, then one update of the generator.
///
/// Everything random is a pure function of the seed and the number of batches drawn, so a trainer that is restored from
/// a checkpoint goes on with the same bits as one that was never stopped.
class Trainer {
 public:
  Trainer(const TrainConfig& config, OpenSource open);

  /// Throws Error "[train] step N: ..." naming the first loss, or else the first parameter's gradient, that is not
  /// finite; the parameters that it belongs to are then as they were.
  StepReport step();

  int64_t steps_done() const { return step_; }
  const Generator& generator() const { return generator_; }
  Generator& generator() { return generator_; }
  const TrainConfig& config() const { return config_; }

  /// Handles to all that training goes on from, not copies.
  Checkpoint state() const;
  /// Goes on from there. Throws, naming what differs, if the networks are not those of this trainer's configuration.
  void restore(const Checkpoint& checkpoint);

 private:
  /// Pictures, their holes, and the number that their random draws go by.
  struct Batch {
    uint64_t index;
    Variable truth, mask;
    std::vector<Box> boxes;
  };
  struct Judge {
    Critic critic;
    bool local;
    uint64_t seed;  // of the gradient penalty's places
  };

  Batch next_batch();
  void update_critics(StepReport& report);
  void update_generator(StepReport& report);
  /// The weighted reconstruction loss of an output, its parts reported.
  Variable reconstruction(const Batch& batch, const GeneratorOutput& output, bool coarse_only,
                          StepReport& report) const;
  Variable discount(const Batch& batch) const;
  Variable adversarial(const Batch& batch, const Variable& completed, StepReport& report) const;
  std::vector<std::pair<std::string, Tensor>> critic_tensors() const;
  std::vector<Tensor> finite_gradients(const Variable& loss, const Params& params) const;
  /// Reports a loss; throws if it is not finite.
  void note(StepReport& report, const std::string& name, const Variable& loss) const;

  TrainConfig config_;
  OpenSource open_;
  PictureSource source_;  // opened when the first batch is wanted
  HoleMaker holes_;
  Generator generator_;
  std::optional<Generator> coarse_;  // stage 1 of generator_, sharing its parameters
  std::vector<Judge> judges_;
  Adam generator_adam_;
  std::optional<Adam> critic_adam_;
  Variable discount_;  // weights in the window, where they are the same for every hole; else undefined
  int64_t step_ = 0;
  uint64_t batches_ = 0;
};

}  // namespace lacuna
