#include "optim/schedule.h"
#include "tests/support/compare.h"

namespace lacuna {

using Kind = ScheduleOptions::Kind;

TEST_CASE("schedule: constant, with a warm-up") {
  CHECK(schedule_factor({}, 0) == 1);
  const ScheduleOptions options{.warmup = 4};
  CHECK(schedule_factor(options, 0) == 0.25);
  CHECK(schedule_factor(options, 3) == 1);
  CHECK(schedule_factor(options, 1000) == 1);
}

TEST_CASE("schedule: step decay") {
  const ScheduleOptions options{.kind = Kind::step, .decay_every = 10, .decay_factor = 0.5};
  CHECK(schedule_factor(options, 9) == 1);
  CHECK(schedule_factor(options, 10) == 0.5);
  CHECK(schedule_factor(options, 39) == 0.125);
}

TEST_CASE("schedule: cosine from the end of the warm-up to the total") {
  const ScheduleOptions options{.kind = Kind::cosine, .warmup = 10, .total = 110, .final_factor = 0.2};
  CHECK(schedule_factor(options, 4) == doctest::Approx(0.5));
  CHECK(schedule_factor(options, 10) == doctest::Approx(1));
  CHECK(schedule_factor(options, 60) == doctest::Approx(0.6));
  CHECK(schedule_factor(options, 110) == doctest::Approx(0.2));
  CHECK(schedule_factor(options, 1000) == doctest::Approx(0.2));
  // A run that ends within the warm-up.
  CHECK(schedule_factor({.kind = Kind::cosine, .warmup = 10, .total = 5}, 4) == doctest::Approx(0.5));
}

TEST_CASE("schedule: linear from the end of the warm-up to the total") {
  const ScheduleOptions options{.kind = Kind::linear, .warmup = 10, .total = 110, .final_factor = 0.2};
  CHECK(schedule_factor(options, 0) == doctest::Approx(0.1));
  CHECK(schedule_factor(options, 10) == doctest::Approx(1));
  CHECK(schedule_factor(options, 35) == doctest::Approx(0.8));
  CHECK(schedule_factor(options, 110) == doctest::Approx(0.2));
  CHECK(schedule_factor(options, 1000) == doctest::Approx(0.2));
}

TEST_CASE("schedule: piecewise, at milestones") {
  const ScheduleOptions options{.kind = Kind::piecewise, .warmup = 2, .decay_factor = 0.1, .milestones = {5, 8}};
  CHECK(schedule_factor(options, 0) == 0.5);
  CHECK(schedule_factor(options, 4) == 1);
  CHECK(schedule_factor(options, 5) == doctest::Approx(0.1));
  CHECK(schedule_factor(options, 7) == doctest::Approx(0.1));
  CHECK(schedule_factor(options, 8) == doctest::Approx(0.01));
}

TEST_CASE("schedule: errors") {
  CHECK(test::error_of([] { schedule_factor({.kind = Kind::step, .decay_every = 0}, 1); }) ==
        "[schedule] decay_every must be positive, not 0");
  CHECK(test::error_of([] { schedule_factor({.kind = Kind::step, .decay_factor = 0}, 1); }) ==
        "[schedule] decay_factor must be in (0, 1], not 0");
  CHECK(test::error_of([] { schedule_factor({.kind = Kind::piecewise}, 1); }) ==
        "[schedule] a piecewise schedule needs milestones, the steps at which the rate falls");
  CHECK(test::error_of([] {
          schedule_factor({.kind = Kind::piecewise, .milestones = {5, 5}}, 1);
        }) == "[schedule] milestones must be steps that rise");
  CHECK(test::error_of([] { schedule_factor({.warmup = -1}, 1); }) == "[schedule] warmup must not be negative, not -1");
  CHECK(test::error_of([] { schedule_factor({.kind = Kind::cosine, .final_factor = 2}, 1); }) ==
        "[schedule] final_factor must be in [0, 1], not 2");
  CHECK(test::error_of([] { schedule_factor({}, -1); }) == "[schedule] there is no step -1");
}

}  // namespace lacuna
