#include "train/early_stop.h"

#include <algorithm>
#include <limits>

#include "tensor/check.h"

namespace lacuna {

EarlyStop::EarlyStop(const TrainConfig::EarlyStop& options)
    : min_change_(options.min_change), patience_(options.patience) {
  const auto& known = early_stop_metrics();
  const auto metric =
      std::find_if(known.begin(), known.end(), [&](const auto& m) { return m.first == options.metric; });
  check(metric != known.end(), "[train] there is no metric ", options.metric, " to choose the best model by");
  higher_is_better_ = metric->second;
  best_ = std::numeric_limits<double>::infinity() * (higher_is_better_ ? -1 : 1);
}

bool EarlyStop::add(double value) {
  const bool better = higher_is_better_ ? value > best_ + min_change_ : value < best_ - min_change_;
  since_best_ = better ? 0 : since_best_ + 1;
  if (better) best_ = value;
  return better;
}

}  // namespace lacuna
