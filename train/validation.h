#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nets/generator.h"
#include "tensor/image.h"
#include "train/config.h"

namespace lacuna {

/// A fixed set of pictures with fixed holes, both chosen by the configuration's seed, that a network is judged by as it
/// trains.
class Validation {
 public:
  /// Reads `count` pictures of these sources, or all if there are fewer. Throws Error if a source is unusable.
  Validation(const TrainConfig& config, const std::vector<std::string>& sources, int64_t count);

  struct Result {
    std::vector<std::pair<std::string, double>> metrics;  ///< of the completed pictures, means over all
    /// For the first few pictures, side by side: the original, the same with a white hole, the coarse and the fine
    /// result, the completed picture and, where the network has attention, where it looks (see flow_picture).
    std::vector<Image> rows;
  };
  Result operator()(const Generator& generator, int64_t rows) const;

 private:
  Tensor truth_, mask_;
  DType dtype_;
};

/// Pictures of one width as one, from top to bottom.
Image one_above_the_other(const std::vector<Image>& pictures);

}  // namespace lacuna
