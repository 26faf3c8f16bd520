#include <cstdlib>
#include <set>
#include <vector>

#include "tensor/device_pool.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

constexpr int64_t mib = 1 << 20;

/// Memory for segments, with an end.
struct Source {
  explicit Source(int64_t most_) : most(most_) {}

  DevicePool::Take take() {
    return [this](int64_t bytes) -> void* {
      if (held + bytes > most) return nullptr;
      void* p = std::aligned_alloc(512, static_cast<size_t>(bytes));
      held += bytes;
      segments.insert({p, bytes});
      return p;
    };
  }
  DevicePool::Give give() {
    return [this](void* p) {
      const auto segment = segments.lower_bound({p, 0});
      held -= segment->second;
      segments.erase(segment);
      std::free(p);
    };
  }

  int64_t most, held = 0;
  std::set<std::pair<void*, int64_t>> segments;
};

}  // namespace

TEST_CASE("device pool: a loop that does the same again takes nothing more from the device") {
  Source source(1024 * mib);
  DevicePool pool(source.take(), source.give());
  int64_t after_first = 0;
  for (int turn = 0; turn < 4; ++turn) {
    std::vector<void*> blocks;
    for (const int64_t bytes : {int64_t{1}, 3 * mib, 70 * mib, int64_t{0}, 10 * mib + 5}) {
      blocks.push_back(pool.take(bytes));
      REQUIRE(blocks.back());
      CHECK(reinterpret_cast<uintptr_t>(blocks.back()) % 512 == 0);
    }
    CHECK(std::set<void*>(blocks.begin(), blocks.end()).size() == blocks.size());
    for (const size_t k : {2, 0, 4, 1, 3}) pool.give(blocks[k]);
    if (turn == 0) after_first = source.held;
    CHECK(source.held == after_first);
    CHECK(pool.stats().in_use == 0);
    CHECK(pool.stats().cached == source.held);
  }
}

TEST_CASE("device pool: free neighbours are one block again") {
  Source source(64 * mib);  // one segment
  DevicePool pool(source.take(), source.give());
  std::vector<void*> quarters;
  for (int k = 0; k < 4; ++k) quarters.push_back(pool.take(16 * mib));
  for (void* q : quarters) REQUIRE(q);
  CHECK(pool.take(1) == nullptr);
  for (const size_t k : {1, 3, 0, 2}) pool.give(quarters[k]);
  void* all = pool.take(64 * mib);
  CHECK(all);
  pool.give(all);
}

TEST_CASE("device pool: free segments make room for a longer one, and memory that is in use stays") {
  Source source(160 * mib);
  DevicePool pool(source.take(), source.give());
  void* small = pool.take(mib);
  void* large = pool.take(80 * mib);
  pool.give(large);
  large = pool.take(96 * mib);
  CHECK(large);
  CHECK(pool.take(1000 * mib) == nullptr);
  pool.give(large);
  pool.release();
  CHECK(source.held == 64 * mib);
  pool.give(small);
  pool.release();
  CHECK(source.held == 0);
  CHECK(pool.stats().peak == 97 * mib);
  pool.reset_peak();
  CHECK(pool.stats().peak == 0);
}

TEST_CASE("device pool: a block that is not out cannot be given back") {
  Source source(64 * mib);
  DevicePool pool(source.take(), source.give());
  void* block = pool.take(1);
  pool.give(block);
  CHECK(test::error_of([&] { pool.give(block); }) == "[memory] a block is given back that was not taken");
}

}  // namespace lacuna
