#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "nets/generator.h"
#include "train/config.h"

namespace lacuna {

/// A fixed set of pictures with fixed holes, both chosen by the configuration's seed, that a network is judged by as it
/// trains.
class Validation {
 public:
  /// Reads the pictures. Throws Error if a source is unusable.
  explicit Validation(const TrainConfig& config);

  struct Result {
    std::vector<std::pair<std::string, double>> metrics;  ///< of the completed pictures, means over all
    Tensor grid;  ///< (1,4H,nW,3): incomplete picture, coarse and fine result, truth, one above the other, for the
                  ///< first few
  };
  Result operator()(const Generator& generator) const;

 private:
  Tensor truth_, mask_;
  DType dtype_;
};

}  // namespace lacuna
