#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distributed/gradient_averager.h"
#include "nets/critics.h"
#include "nets/generator.h"
#include "nets/vgg.h"
#include "optim/average.h"
#include "optim/muon.h"
#include "tensor/plan.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace lacuna {

/// Yields the next batch of pictures, (N,H,W,3) in [-1,1].
using PictureSource = std::function<Tensor()>;
/// Opens a sequence of batches, or of this rank's part of each, at a given batch; batch k must be the same whenever it
/// is asked for.
using OpenSource = std::function<PictureSource(uint64_t first_batch)>;

/// The pictures that a configuration names, or a part of each batch, read in the background.
OpenSource picture_source(const TrainConfig& config, BatchPart part = {});

/// What one step did.
struct StepReport {
  int64_t step = 0;      ///< steps done, this one included
  int64_t pictures = 0;  ///< that were looked at, by all ranks
  double lr = 0;         ///< the generator's
  double critic_lr = 0;  ///< the critics'; 0 in a step without them
  /// By name, as computed before the update; those of the critics are means over their updates.
  std::vector<std::pair<std::string, double>> losses;
  /// What is of interest beside them, by name, likewise: critic_NAME_real and _fake, the mean scores of the true and of
  /// the completed pictures; and, in every gradients_every-th step, gradient_generator and gradient_critics, the norms
  /// of the parameters' whole gradients, and for each part of the generator's loss gradient_PART, the norm of the
  /// gradient of that part, times its weight, with respect to the generator's result.
  std::vector<std::pair<std::string, double>> measures;
};

/// The training recipe (METHOD section 6). A step makes `critic_steps` updates of the critics, each on a fresh batch
/// with fresh holes and against the generator as it stands, then one update of the generator. (Before the critics take
/// part there are none of the former, in their warm-up none of the latter.)
///
/// Everything random is a pure function of the seed and the number of batches drawn, so a trainer that is restored from
/// a checkpoint goes on with the same bits as one that was never stopped.
///
/// The ranks of a communicator take equal parts of each batch (config.batch is that of all together) and average their
/// gradients, so that any number of ranks trains what one would, up to rounding; losses are reported as averages.
class Trainer {
 public:
  /// Trains on `device`. Throws Error if the batch cannot be shared evenly. The communicator must outlive the trainer.
  Trainer(const TrainConfig& config, OpenSource open, Communicator& communicator = single_process(),
          Device device = {});

  /// Throws Error "[train] step N: ..." naming the first loss, or else the first parameter's gradient, that is not
  /// finite; the parameters that it belongs to are then as they were.
  StepReport step();

  int64_t steps_done() const { return step_; }
  const Generator& generator() const { return generator_; }
  /// What training yields: the generator of averaged parameters if an average is kept, else generator().
  const Generator& result() const { return averaged_ ? *averaged_ : generator_; }
  const TrainConfig& config() const { return config_; }

  /// Starts from these parameters of the generator instead of random ones; before the first step.
  void start_from(const std::vector<std::pair<std::string, Tensor>>& parameters);

  /// All that training goes on from, in the CPU's memory: handles where that is where it trains, else copies.
  Checkpoint state() const;
  /// Goes on from there. Throws, naming what differs, if the networks are not those of this trainer's configuration.
  /// Critics are fresh if the checkpoint has none at all, an average that it lacks starts, one that is not wanted ends.
  void restore(const Checkpoint& checkpoint);
  /// Goes on from rank 0's state. Every rank must call it.
  void synchronise();
  /// Throws SharedError if the state of a rank is not that of rank 0, bit for bit. Every rank must call it.
  void check_synchronised() const;

 private:
  /// Pictures, their holes and what follows from these: this rank's part, on the device.
  struct Batch {
    Tensor truth, mask;
    Tensor corners;              // of the windows, as take_windows has them
    Tensor known, weight;        // for the generator: mean(1 - mask) over all ranks; the discounted loss's weights
    std::vector<Tensor> places;  // for the critics: of each one's gradient penalty, between the pictures, (N,1)

    std::vector<Tensor> tensors() const;
    static Batch from(const std::vector<Tensor>& tensors, bool for_critics);
  };
  struct Prepared {
    Batch batch;
    bool for_critics;
  };
  struct Judge {
    Critic critic;
    bool local;
    uint64_t seed;  // of the gradient penalty's places
  };

  Batch next_batch(bool for_critics);
  Batch make_batch(bool for_critics);
  /// On a CUDA device: makes the next batch while that works on the one at hand.
  void prepare_batch(bool for_critics);
  void update_critics(StepReport& report, bool critics_next);
  void update_generator(StepReport& report);

  /// What a pass through the networks and back gives.
  struct Pass {
    struct Names {
      std::vector<std::string> losses, measures, parts;
    } names;
    Tensor values;                            // of the losses, then of the measures, f64
    std::vector<Tensor> parts;                // gradients of the loss's parts with respect to the generator's result
    std::vector<Tensor> gradients;            // with respect to the parameters, or
    std::vector<GradientAverager> averagers;  // where they are on their way
  };
  class Passing;
  /// A pass that is recorded, and the names of what it gives.
  struct Planned {
    Plan plan;
    Pass::Names names;
  };
  Pass pass_critics(const Batch& batch) const;
  Pass pass_generator(const Batch& batch) const;
  /// The pass, from a plan of that name where there are plans.
  Pass carry_out(const std::string& name, const Batch& batch, bool for_critics);

  /// A loss's parts, each times its weight, by name.
  using Parts = std::vector<std::pair<std::string, Variable>>;

  /// The reconstruction losses of an output, noted.
  Parts reconstruction(const Batch& batch, const GeneratorOutput& output, Passing& passing) const;
  Variable adversarial(const Batch& batch, const Variable& completed, Passing& passing) const;
  Variable window_of(const Variable& x, const Batch& batch) const;
  std::vector<std::pair<std::string, Tensor>> critic_tensors() const;
  bool penalises() const {
    return config_.loss.adversarial == Adversarial::wgan_gp && config_.loss.gradient_penalty > 0;
  }
  bool trains_coarse_only() const { return step_ < config_.pretrain_coarse; }
  /// The norm of the gradient of a mean over all ranks with respect to all their pictures, of which each rank has the
  /// gradient of its own mean with respect to its own.
  double norm_over_ranks(const Tensor& gradient) const;
  /// The backward pass; the averages over the ranks are still on their way when it returns.
  GradientAverager start_gradients(const Variable& loss, const Params& params) const;
  /// The averages, once they have come. Throws if one is not finite.
  std::vector<Tensor> finite_gradients(Pass& pass, const std::vector<const Params*>& networks) const;
  /// Whether gradients are measured in the step at hand.
  bool measures_gradients() const;
  /// Reports a pass's losses and measures, averaged over the ranks; throws if a loss is not finite.
  void settle(const Pass& pass, StepReport& report) const;

  TrainConfig config_;
  Communicator& communicator_;
  Device device_;
  OpenSource open_;
  PictureSource source_;  // opened when the first batch is wanted
  HoleMaker holes_;
  Generator generator_;
  std::optional<Vgg16> vgg_;
  std::optional<Generator> coarse_;  // stage 1 of generator_, sharing its parameters
  std::vector<Judge> judges_;
  std::unique_ptr<Optimizer> generator_optimizer_;
  std::optional<Adam> critic_adam_;
  std::optional<Generator> averaged_;  // with the averages as its parameters
  std::optional<MovingAverage> average_;
  Tensor discount_;  // weights in the window, where they are the same for every hole; else undefined
  std::shared_ptr<PlanMemory> plan_memory_;  // null: no plans
  std::map<std::string, Planned> plans_;
  int64_t step_ = 0;
  uint64_t batches_ = 0;              // drawn and used
  std::optional<Prepared> prepared_;  // the one after these
};

}  // namespace lacuna
