#include <cmath>
#include <mutex>

#include "distributed/together.h"
#include "ops/cases.h"
#include "tensor/stream.h"
#include "tests/distributed/ranks.h"
#include "tests/support/compare.h"
#include "tests/support/tiny_training.h"

namespace lacuna {
namespace {

constexpr int64_t batch = 6;

/// Every loss takes part.
TrainConfig tiny() {
  TrainConfig config = test::tiny_config();
  config.holes.kind = MaskOptions::Kind::strokes;  // which leave a different share known in each picture
  config.batch = batch;
  config.loss.discount = TrainConfig::Loss::Discount::distance;
  config.loss.ssim = 0.1;
  config.loss.total_variation = 0.1;
  config.optimizer.lr = config.optimizer.critic_lr = 1e-3;
  config.optimizer.adam.epsilon = 1e-4;  // gradients that are zero but for rounding are divided by it
  return config;
}

/// Batch k holds made-up pictures that follow from k; a rank gets its part.
OpenSource made_up_pictures(const Communicator& communicator) {
  return [&communicator](uint64_t first) -> PictureSource {
    return [&communicator, k = first]() mutable {
      const Tensor all = case_values({batch, 16, 16, 3}, 1000 + k++);
      const int64_t count = batch / communicator.size(), numel = count * 16 * 16 * 3;
      Tensor part({count, 16, 16, 3}, DType::f64);
      std::copy_n(all.data<double>() + communicator.rank() * numel, numel, part.data<double>());
      return part;
    };
  };
}

struct Result {
  Checkpoint state;
  StepReport last;
};

/// Steps done from a checkpoint on (or from the start) by so many ranks.
Result trained(const TrainConfig& config, int ranks, int steps, const Checkpoint* from = nullptr) {
  Result result;
  set_num_threads(1);  // the ranks are threads already
  const auto train = [&](Communicator& communicator) {
    Trainer trainer(config, made_up_pictures(communicator), communicator);
    if (from && communicator.is_first()) trainer.restore(*from);
    trainer.synchronise();
    StepReport last;
    for (int i = 0; i < steps; ++i) last = trainer.step();
    trainer.check_synchronised();
    if (communicator.is_first()) result = {test::copied(trainer), last};
  };
  if (ranks == 1) {
    train(single_process());
  } else {
    test::run_ranks(ranks, train);
  }
  return result;
}

using Values = std::vector<std::pair<std::string, double>>;

void check_close(const Values& a, const Values& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].first);
    CHECK(a[i].first == b[i].first);
    CHECK(a[i].second == doctest::Approx(b[i].second).epsilon(1e-10));
  }
}

}  // namespace

TEST_CASE("ranks: two and three train what one does, parameter by parameter") {
  TrainConfig config = tiny();
  int ranks = 2;
  SUBCASE("two: wgan_gp, both critics, penalty") {}
  SUBCASE("three: hinge, clipped gradients, recomputed stages") {
    ranks = 3;
    config.loss.adversarial = Adversarial::hinge;
    config.optimizer.clip_norm = 0.01;
    config.recompute = true;
  }
  config.log.gradients_every = 3;
  const Result one = trained(config, 1, 3), several = trained(config, ranks, 3);
  test::check_close(several.state, one.state, 1e-12);
  CHECK(several.last.pictures == one.last.pictures);
  check_close(several.last.losses, one.last.losses);
  check_close(several.last.measures, one.last.measures);
}

TEST_CASE("ranks: the same bits on every run") {
  TrainConfig config = tiny();
  config.network.dtype = DType::f32;
  const auto pictures = [](Communicator& communicator) -> OpenSource {
    return [source = made_up_pictures(communicator)](uint64_t first) -> PictureSource {
      return [next = source(first)] { return next().to(DType::f32); };
    };
  };
  std::vector<Checkpoint> states;
  for (int run = 0; run < 2; ++run) {
    std::mutex mutex;
    test::run_ranks(2, [&](Communicator& communicator) {
      Trainer trainer(config, pictures(communicator), communicator);
      trainer.step();
      const std::lock_guard lock(mutex);
      states.push_back(test::copied(trainer));
    });
  }
  for (const Checkpoint& state : states) test::check_close(state, states[0], 0);
}

TEST_CASE("ranks: training goes on with another number of them") {
  const TrainConfig config = tiny();
  const Result whole = trained(config, 1, 3);
  const Result first = trained(config, 2, 1);
  const Result second = trained(config, 1, 1, &first.state);
  const Result third = trained(config, 3, 1, &second.state);
  test::check_close(third.state, whole.state, 1e-12);
}

TEST_CASE("ranks: a batch that cannot be shared evenly is refused") {
  TrainConfig config = tiny();
  config.batch = 5;
  const auto complaints = test::as_ranks(2, [&](Communicator& c) { Trainer(config, made_up_pictures(c), c); });
  CHECK(complaints[0] ==
        "[train] a batch of 5 pictures cannot be shared evenly by 2 processes; set training.batch to a multiple of 2");
}

TEST_CASE("ranks: a number that is not finite on one of them stops all, with one error") {
  const TrainConfig config = tiny();
  std::vector<int> shown(2);
  const auto complaints = test::as_ranks(2, [&](Communicator& c) {
    const auto pictures = [&, source = made_up_pictures(c)](uint64_t first) -> PictureSource {
      return [&, next = source(first)] {
        Tensor picture = next();
        if (c.rank() == 1) picture.data<double>()[0] = std::nan("");
        return picture;
      };
    };
    Trainer trainer(config, pictures, c);
    try {
      trainer.step();
    } catch (const SharedError& error) {
      shown[static_cast<size_t>(c.rank())] = error.shown();
      throw;
    }
  });
  for (const std::string& complaint : complaints) CHECK(complaint.starts_with("[train] step 1: the loss critic_"));
  CHECK(complaints[0] == complaints[1]);
  CHECK(shown == std::vector<int>{1, 0});
}

}  // namespace lacuna
