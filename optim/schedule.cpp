#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/check.h"

namespace lacuna {

double schedule_factor(const ScheduleOptions& options, int64_t step) {
  check(step >= 0 && options.warmup >= 0, "[schedule] step ", step, " and warm-up ", options.warmup,
        " must not be negative");
  double factor = 1;
  if (options.kind == ScheduleOptions::Kind::step) {
    check(options.decay_every > 0 && options.decay_factor > 0 && options.decay_factor <= 1,
          "[schedule] decay_every must be positive and decay_factor in (0, 1], not ", options.decay_every, " and ",
          options.decay_factor);
    factor = std::pow(options.decay_factor, static_cast<double>(step / options.decay_every));
  } else if (options.kind == ScheduleOptions::Kind::cosine) {
    check(options.final_factor >= 0 && options.final_factor <= 1, "[schedule] final_factor must be in [0, 1], not ",
          options.final_factor);
    const int64_t fall_steps = std::max<int64_t>(1, options.total - options.warmup);
    const double t = static_cast<double>(step - options.warmup) / static_cast<double>(fall_steps);
    const double fall = 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(t, 0.0, 1.0)));
    factor = options.final_factor + (1 - options.final_factor) * fall;
  }
  if (step < options.warmup) factor *= static_cast<double>(step + 1) / static_cast<double>(options.warmup);
  return factor;
}

}  // namespace lacuna
