#pragma once

#include "ops/cases.h"
#include "tests/support/checkpoints.h"
#include "train/trainer.h"

namespace lacuna::test {

/// Networks and pictures as small as they can be, in f64.
inline TrainConfig tiny_config() {
  TrainConfig config;
  config.network.cnum = 4;
  config.network.dtype = DType::f64;
  config.critic_cnum = 2;
  config.data.height = config.data.width = 16;
  config.holes.hole_height = config.holes.hole_width = 8;
  config.holes.max_shrink = 4;
  config.batch = 2;
  config.critic_steps = 2;
  config.steps = 100;
  config.seed = 7;
  return config;
}

/// Pictures for it: batch k follows from k.
inline OpenSource made_up_pictures(int64_t batch = 2) {
  return [batch](uint64_t first) -> PictureSource {
    return [batch, k = first]() mutable { return case_values({batch, 16, 16, 3}, 1000 + k++); };
  };
}

/// Deep copies of all that a trainer goes on from.
inline Checkpoint copied(const Trainer& trainer) {
  Checkpoint copy = trainer.state();
  for (auto& [name, tensor] : copy.tensors) tensor = tensor.clone();
  return copy;
}

}  // namespace lacuna::test
