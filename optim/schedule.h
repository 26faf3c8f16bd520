#pragma once

#include <cstdint>
#include <vector>

namespace lacuna {

/// How a learning rate goes over the steps, as a factor of its base value.
struct ScheduleOptions {
  enum class Kind : uint8_t { constant, step, piecewise, linear, cosine };

  Kind kind = Kind::constant;
  int64_t warmup = 0;                    ///< steps of linear rise to the full rate, before anything else
  int64_t decay_every = 100000;          ///< step: multiply by decay_factor each time this many steps have passed
  double decay_factor = 0.5;             ///< step, piecewise: in (0, 1]
  std::vector<int64_t> milestones = {};  ///< piecewise: multiply by decay_factor at each of these steps, which rise
  int64_t total = 100000;                ///< linear, cosine: the step from which on the factor is final_factor
  double final_factor = 0;               ///< linear, cosine: in [0, 1]
};

/// Throws Error "[schedule] ..." on options out of range.
void check_schedule(const ScheduleOptions& options);

/// The factor in step 0, 1, ...:
///   constant: 1;   step: decay_factor^floor(step / decay_every);
///   piecewise: decay_factor^(number of milestones <= step);
///   linear: final + (1 - final) (1 - t),   cosine: final + (1 - final) (1 + cos(pi t)) / 2,
///     with t from 0 at the end of the warm-up to 1 at `total`;
/// times (step + 1) / warmup while step < warmup. Throws on options out of range.
double schedule_factor(const ScheduleOptions& options, int64_t step);

}  // namespace lacuna
