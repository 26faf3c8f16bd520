#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <set>
#include <vector>

#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna {

using test::error_of;

namespace {

using Blocks = std::vector<std::pair<int64_t, int64_t>>;

/// The blocks that parallel_for calls its body with, sorted.
Blocks blocks_of(int threads, int64_t n, int64_t grain) {
  Blocks blocks;
  std::mutex mutex;
  parallel_for(CpuStream{threads}, n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    blocks.emplace_back(begin, end);
  });
  std::sort(blocks.begin(), blocks.end());
  return blocks;
}

}  // namespace

TEST_CASE("stream: parallel_for covers [0, n) in blocks that do not depend on the threads") {
  for (int threads : {1, 2, 5}) {
    CAPTURE(threads);
    CHECK(blocks_of(threads, 10, 4) == Blocks{{0, 4}, {4, 8}, {8, 10}});
    CHECK(blocks_of(threads, 8, 4) == Blocks{{0, 4}, {4, 8}});
    CHECK(blocks_of(threads, 3, 4) == Blocks{{0, 3}});
    CHECK(blocks_of(threads, 0, 4).empty());
    CHECK(blocks_of(threads, 2, 1) == Blocks{{0, 1}, {1, 2}});
    CHECK(blocks_of(threads, 1'000'003, 1000).size() == 1001);
  }
}

TEST_CASE("stream: an exception of the body arrives at the caller, and the next loop works") {
  for (int threads : {1, 4}) {
    CAPTURE(threads);
    const auto failing = [&](int64_t bad) {
      parallel_for(CpuStream{threads}, 100, 1,
                   [&](int64_t begin, int64_t) { check(begin != bad, "[body] block ", begin); });
    };
    CHECK(error_of([&] { failing(0); }) == "[body] block 0");
    CHECK(error_of([&] { failing(99); }) == "[body] block 99");
    CHECK(error_of([&] { failing(-1); }).empty());
    CHECK(error_of([&] { parallel_for(CpuStream{threads}, 100, 1, [](int64_t, int64_t) { fail("[body] all"); }); }) ==
          "[body] all");
  }
}

TEST_CASE("stream: a loop within a loop runs every item once, and its exceptions come through") {
  const CpuStream stream{4};
  std::vector<std::atomic<int>> visits(50 * 40);
  parallel_for(stream, 50, 1, [&](int64_t outer, int64_t) {
    parallel_for(stream, 40, 3, [&](int64_t begin, int64_t end) {
      for (int64_t inner = begin; inner < end; ++inner) ++visits[static_cast<size_t>(outer * 40 + inner)];
    });
  });
  CHECK(std::all_of(visits.begin(), visits.end(), [](const auto& count) { return count == 1; }));
  CHECK(error_of([&] {
          parallel_for(stream, 10, 1, [&](int64_t outer, int64_t) {
            parallel_for(stream, 10, 1,
                         [&](int64_t inner, int64_t) { check(outer != 7 || inner != 3, "[inner] 7, 3"); });
          });
        }) == "[inner] 7, 3");
}

TEST_CASE("stream: a sum over blocks has the same bits for any number of threads") {
  const auto sum = [](int threads) {
    std::vector<double> partial(100);
    parallel_for(CpuStream{threads}, 100'000, 1000, [&](int64_t begin, int64_t end) {
      double s = 0;
      for (int64_t i = begin; i < end; ++i) s += 1.0 / static_cast<double>(i + 1);
      partial[static_cast<size_t>(begin / 1000)] = s;
    });
    double total = 0;
    for (double s : partial) total += s;
    return total;
  };
  const double one = sum(1);
  for (int threads : {2, 3, 8}) CHECK(sum(threads) == one);
}

TEST_CASE("stream: subnormal numbers are zeros within, and nowhere else") {
  const volatile float least = std::numeric_limits<float>::min(), half = 0.5f;
  const auto subnormal_of = [&] { return least * half; };
  REQUIRE(subnormal_of() > 0);
  for (int threads : {1, 3}) {
    std::vector<float> made(6);
    parallel_for(CpuStream{threads}, 6, 1, [&](int64_t i, int64_t) { made[static_cast<size_t>(i)] = subnormal_of(); });
    CHECK(made == std::vector<float>(6, 0.0f));
    CHECK(subnormal_of() > 0);
  }
  on(Device{}, [&](auto&) { CHECK(subnormal_of() == 0); });
  CHECK(error_of([] { on(Device{}, [](auto&) { fail("[body] at once"); }); }) == "[body] at once");
  CHECK(subnormal_of() > 0);
}

TEST_CASE("stream: settings reach the stream") {
  const int threads = num_threads();
  CHECK(threads >= 1);
  CHECK(precision() == Precision::highest);
  set_num_threads(3);
  set_precision(Precision::medium);
  on(Device{}, [](auto& stream) {
    if constexpr (requires { stream.threads; }) CHECK(stream.threads == 3);
    CHECK(stream.precision == Precision::medium);
  });
  set_num_threads(threads);
  set_precision(Precision::highest);
  CHECK(error_of([] { set_num_threads(0); }) == "[stream] at least one thread is needed, not 0");
  CHECK(num_threads() == threads);
}

}  // namespace lacuna
