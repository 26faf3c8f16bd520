#include <cmath>

#include "tests/support/compare.h"
#include "train/early_stop.h"

namespace lacuna {

TEST_CASE("early stop: a metric of which less is better") {
  EarlyStop stop({.metric = "l1", .patience = 2, .min_change = 0.5});
  CHECK(stop.add(10));
  CHECK(!stop.add(9.75));  // not by enough
  CHECK(!stop.exhausted());
  CHECK(stop.add(9.25));
  CHECK(!stop.add(std::nan("")));
  CHECK(!stop.add(11));
  CHECK(stop.exhausted());
}

TEST_CASE("early stop: a metric of which more is better, and endless patience") {
  EarlyStop stop({.metric = "hole_psnr", .patience = 0, .min_change = 0});
  CHECK(stop.add(17));
  for (int i = 0; i < 10; ++i) CHECK(!stop.add(17));
  CHECK(!stop.exhausted());
  CHECK(stop.add(17.5));
  CHECK(test::error_of([] { EarlyStop({.metric = "beauty"}); }) ==
        "[train] there is no metric beauty to choose the best model by");
}

}  // namespace lacuna
