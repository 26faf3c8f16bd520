#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nets/generator.h"
#include "optim/muon.h"
#include "optim/schedule.h"
#include "tensor/stream.h"
#include "train/data.h"
#include "train/losses.h"
#include "train/masks.h"
#include "train/model_file.h"

namespace lacuna {

/// Everything that a training run is determined by. The keys of the TOML file bear the same names; what each means for
/// the computation is said in METHOD's words here and again, for users, in train/configs/paper.toml.
struct TrainConfig {
  GeneratorOptions network;
  int64_t critic_cnum = 64;

  DataOptions data;                     ///< its seed is derived from the run's
  std::vector<std::string> validation;  ///< sources of the pictures that are looked at during training; may be empty
  MaskOptions holes;

  struct Loss {
    enum class Discount : uint8_t { none, box, distance };
    enum class Critics : uint8_t { both, global, local };

    double l1 = 1.2, ae = 1.2;  ///< weights of the two reconstruction losses
    double coarse = 1.2;        ///< weight of stage 1 within each of them
    Discount discount = Discount::box;
    double gamma = 0.9;
    double ssim = 0;                   ///< weight of 1 - the mean SSIM of the completed picture
    double perceptual = 0, style = 0;  ///< weights of the losses on VGG16's features of the completed picture
    std::string vgg;                   ///< the file of VGG16's parameters, which these two need
    double total_variation = 0;
    Adversarial adversarial = Adversarial::wgan_gp;
    Critics critics = Critics::both;
    double gan = 0.001;       ///< weight of the adversarial loss
    double global_alpha = 1;  ///< weight of the global critic's score within it
    double gradient_penalty = 10;
  } loss;

  struct Optimizer {
    enum class Kind : uint8_t { adam, muon };

    Kind kind = Kind::adam;  ///< the generator's; the critics have Adam
    double lr = 1e-4;
    double critic_lr = 1e-4;
    double momentum = 0.95;  ///< Muon's
    AdamOptions adam;
    ScheduleOptions schedule;  ///< of both rates, or of the generator's alone; its `total` is the run's steps
    double clip_norm = 0;      ///< largest global norm of the generator's gradient; 0: no limit
    bool own_critic_schedule = false;
    ScheduleOptions
        critic_schedule;  ///< of the critics' rate where own; its steps are counted from first_critic_step()
  } optimizer;

  double ema_decay = 0;  ///< of the moving average of the generator's parameters; 0: none is kept

  int64_t steps = 1000000;
  int64_t batch = 16;
  int64_t critic_steps = 5;       ///< critic updates before each generator update
  int64_t pretrain_coarse = 0;    ///< steps at the start that train stage 1 alone, on the reconstruction losses
  int64_t adversarial_start = 0;  ///< the step from which the adversarial loss takes part
  int64_t critic_warmup = 0;      ///< steps from there on in which the critics alone are updated
  uint64_t seed = 0;

  int64_t checkpoint_every = 1000;
  int64_t keep = 3;  ///< checkpoints kept, the newest
  int64_t validate_every = 1000;
  int64_t validation_pictures = 8;
  int64_t log_every = 10;
  Storage storage = Storage::f32;  ///< of the model files' numbers

  struct Log {
    bool tensorboard = true;        ///< write an event file for TensorBoard
    int64_t gradients_every = 100;  ///< steps between measurements of gradients; 0: none
    int64_t pictures_every = 1000;  ///< steps between looks at a few training pictures; 0: none
    int64_t pictures = 4;           ///< how many pictures are shown, of the training ones and of the validation ones
  } log;

  struct EarlyStop {
    std::string metric = "hole_l1";  ///< of the validation: what the best model is the best in
    int64_t patience = 0;            ///< validations in a row without a new best that end the run; 0: nothing does
    double min_change = 0;           ///< by how much a new best must be better than the old one
  } early_stop;

  /// Of matrix products and convolutions. Parameters, their moments and all sums are of the network's type.
  Precision precision = Precision::highest;
  /// The generator's layers are computed again in the backward pass instead of kept (MemoryOptions): about a third more
  /// time in its update for less memory, with the same results.
  bool recompute = false;
  /// On a CUDA device, in one process: the passes through the networks and back are recorded once and then run again
  /// without the host's part in them (Plan). The results are the same.
  bool plan = true;

  /// Whether there are critics at all, and whether they take part in `step`.
  bool adversarial() const { return loss.adversarial != Adversarial::none && loss.gan > 0; }
  bool adversarial_at(int64_t step) const { return adversarial() && step >= first_critic_step(); }
  /// The first step that critics take part in, where there are any.
  int64_t first_critic_step() const { return std::max(adversarial_start, pretrain_coarse); }
  /// Whether the critics are updated in `step` and the generator is not.
  bool critics_alone_at(int64_t step) const {
    return adversarial_at(step) && step - first_critic_step() < critic_warmup;
  }
};

/// The metrics that a best model can be chosen by, and whether the higher value is the better one.
const std::vector<std::pair<std::string, bool>>& early_stop_metrics();

/// Reads a TOML file. Strict: a key that is unknown, of another type or out of range, and settings that contradict each
/// other, are errors "[config] FILE:LINE: ..." in one line. Keys left out keep their defaults.
TrainConfig read_config(const std::filesystem::path& path);
/// The same from text; `name` stands for the file in errors.
TrainConfig parse_config(std::string_view text, const std::string& name);

/// The whole configuration as TOML; parse_config gives the same one back.
std::string to_toml(const TrainConfig& config);

/// What a model file that such a run has trained says of itself; of the sources the last names alone.
std::map<std::string, std::string> run_metadata(const TrainConfig& config, int64_t step, bool averaged);

/// Throws "[config] ..." where settings contradict each other or the data cannot be trained on.
void check_config(const TrainConfig& config);

}  // namespace lacuna
