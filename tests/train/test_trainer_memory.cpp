#include "ops/cases.h"
#include "tensor/memory.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "train/trainer.h"

namespace lacuna {
namespace {

TrainConfig small() {
  TrainConfig config;
  config.network.cnum = 8;
  config.critic_cnum = 4;
  config.data.height = config.data.width = 64;
  config.holes.hole_height = config.holes.hole_width = 32;
  config.holes.max_shrink = 4;
  config.batch = 2;
  config.critic_steps = 1;
  config.steps = 100;
  return config;
}

OpenSource pictures() {
  return [](uint64_t first) -> PictureSource {
    return [k = first]() mutable { return case_values({2, 64, 64, 3}, 1000 + k++).to(DType::f32); };
  };
}

/// How many threads hold their scratch at the same time is up to chance; here one does.
class OneThread {
 public:
  OneThread() : before_(num_threads()) { set_num_threads(1); }
  ~OneThread() { set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace

TEST_CASE("trainer: after the first steps no memory is taken from the system") {
  const OneThread one;
  for (const bool recompute : {false, true}) {
    CAPTURE(recompute);
    TrainConfig config = small();
    config.recompute = recompute;
    Trainer trainer(config, pictures());
    release_cached_memory();
    trainer.step();
    const MemoryStats before = memory_stats();
    for (int i = 0; i < 3; ++i) trainer.step();
    CHECK(memory_stats().from_system == before.from_system);
    CHECK(memory_stats().allocations > before.allocations);
  }
}

TEST_CASE("trainer: layers computed again make the same steps in less memory") {
  const auto train = [](bool recompute) {
    TrainConfig config = small();
    config.loss.adversarial = Adversarial::none;
    config.recompute = recompute;
    Trainer trainer(config, pictures());
    reset_peak_memory();
    const int64_t before = memory_stats().in_use;
    for (int i = 0; i < 2; ++i) trainer.step();
    return std::pair(trainer.state().tensors, memory_stats().peak - before);
  };
  const auto [plain, plain_peak] = train(false);
  const auto [again, again_peak] = train(true);
  REQUIRE(plain.size() == again.size());
  for (size_t i = 0; i < plain.size(); ++i) CHECK(test::same_bits(plain[i].second, again[i].second));
  CHECK(again_peak < 0.8 * plain_peak);
}

}  // namespace lacuna
