#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nets/generator.h"
#include "optim/adam.h"
#include "optim/schedule.h"
#include "train/data.h"
#include "train/losses.h"
#include "train/masks.h"

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
    double total_variation = 0;
    Adversarial adversarial = Adversarial::wgan_gp;
    Critics critics = Critics::both;
    double gan = 0.001;       ///< weight of the adversarial loss
    double global_alpha = 1;  ///< weight of the global critic's score within it
    double gradient_penalty = 10;
  } loss;

  struct Optimizer {
    double lr = 1e-4;
    double critic_lr = 1e-4;
    AdamOptions adam;
    ScheduleOptions schedule;  ///< applies to both rates; `total` is the run's number of steps
    double clip_norm = 0;      ///< largest global norm of the generator's gradient; 0: no limit
  } optimizer;

  int64_t steps = 1000000;
  int64_t batch = 16;
  int64_t critic_steps = 5;       ///< critic updates before each generator update
  int64_t pretrain_coarse = 0;    ///< steps at the start that train stage 1 alone, on the reconstruction losses
  int64_t adversarial_start = 0;  ///< the step from which the adversarial loss takes part
  uint64_t seed = 0;

  int64_t checkpoint_every = 1000;
  int64_t keep = 3;  ///< checkpoints kept, the newest
  int64_t validate_every = 1000;
  int64_t validation_pictures = 8;
  int64_t log_every = 10;

  /// The generator's layers are computed again in the backward pass instead of kept (MemoryOptions): about a third more
  /// time in its update for less memory, with the same results.
  bool recompute = false;

  /// Whether there are critics at all, and whether they take part in `step`.
  bool adversarial() const { return loss.adversarial != Adversarial::none && loss.gan > 0; }
  bool adversarial_at(int64_t step) const {
    return adversarial() && step >= adversarial_start && step >= pretrain_coarse;
  }
};

/// Reads a TOML file. Strict: a key that is unknown, of another type or out of range, and settings that contradict each
/// other, are errors "[config] FILE:LINE: ..." in one line. Keys left out keep their defaults.
TrainConfig read_config(const std::filesystem::path& path);
/// The same from text; `name` stands for the file in errors.
TrainConfig parse_config(std::string_view text, const std::string& name);

/// The whole configuration as TOML; parse_config gives the same one back.
std::string to_toml(const TrainConfig& config);

/// Throws "[config] ..." where settings contradict each other or the data cannot be trained on.
void check_config(const TrainConfig& config);

}  // namespace lacuna
