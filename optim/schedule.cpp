#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "tensor/check.h"

namespace lacuna {

void check_schedule(const ScheduleOptions& options) {
  using Kind = ScheduleOptions::Kind;
  check(options.warmup >= 0, "[schedule] warmup must not be negative, not ", options.warmup);
  if (options.kind == Kind::step) {
    check(options.decay_every > 0, "[schedule] decay_every must be positive, not ", options.decay_every);
  }
  if (options.kind == Kind::step || options.kind == Kind::piecewise) {
    check(options.decay_factor > 0 && options.decay_factor <= 1, "[schedule] decay_factor must be in (0, 1], not ",
          options.decay_factor);
  }
  if (options.kind == Kind::piecewise) {
    const std::vector<int64_t>& steps = options.milestones;
    check(!steps.empty(), "[schedule] a piecewise schedule needs milestones, the steps at which the rate falls");
    check(std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end() && steps[0] >= 0,
          "[schedule] milestones must be steps that rise");
  }
  if (options.kind == Kind::linear || options.kind == Kind::cosine) {
    check(options.final_factor >= 0 && options.final_factor <= 1, "[schedule] final_factor must be in [0, 1], not ",
          options.final_factor);
  }
}

double schedule_factor(const ScheduleOptions& options, int64_t step) {
  using Kind = ScheduleOptions::Kind;
  check_schedule(options);
  check(step >= 0, "[schedule] there is no step ", step);
  double factor = 1;
  if (options.kind == Kind::step) {
    factor = std::pow(options.decay_factor, static_cast<double>(step / options.decay_every));
  } else if (options.kind == Kind::piecewise) {
    const auto passed = std::upper_bound(options.milestones.begin(), options.milestones.end(), step);
    factor = std::pow(options.decay_factor, static_cast<double>(passed - options.milestones.begin()));
  } else if (options.kind == Kind::linear || options.kind == Kind::cosine) {
    const int64_t fall_steps = std::max<int64_t>(1, options.total - options.warmup);
    const double passed = static_cast<double>(step - options.warmup) / static_cast<double>(fall_steps);
    const double t = std::clamp(passed, 0.0, 1.0);
    const double fall = options.kind == Kind::linear ? 1 - t : 0.5 * (1 + std::cos(std::numbers::pi * t));
    factor = options.final_factor + (1 - options.final_factor) * fall;
  }
  if (step < options.warmup) factor *= static_cast<double>(step + 1) / static_cast<double>(options.warmup);
  return factor;
}

}  // namespace lacuna
