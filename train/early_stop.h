#pragma once

#include <cstdint>

#include "train/config.h"

namespace lacuna {

/// Follows the metric that the best model is chosen by, and tells when it has not got better for long.
class EarlyStop {
 public:
  explicit EarlyStop(const TrainConfig::EarlyStop& options);

  /// Takes the next validation's value; true if it is the best so far. One that is no number never is.
  bool add(double value);
  /// Whether `patience` validations in a row, the last ones, brought no new best; never with a patience of 0.
  bool exhausted() const { return patience_ > 0 && since_best_ >= patience_; }

 private:
  bool higher_is_better_;
  double min_change_, best_;
  int64_t patience_, since_best_ = 0;
};

}  // namespace lacuna
