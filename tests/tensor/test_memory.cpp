#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "tensor/memory.h"
#include "tensor/philox.h"
#include "tests/support/compare.h"

// The address sanitizer is to return null for an absurd size, as the plain allocator does.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace lacuna {

using test::error_of;

TEST_CASE("memory: blocks are aligned, of any size, and their own") {
  const std::shared_ptr<void> nothing = allocate(0, {});
  CHECK(nothing != nullptr);
  for (int64_t bytes : {1, 63, 64, 65, 1000, 1 << 20}) {
    const std::shared_ptr<void> a = allocate(bytes, {}), b = allocate(bytes, {});
    CHECK(reinterpret_cast<uintptr_t>(a.get()) % 64 == 0);
    CHECK(a.get() != b.get());
    std::fill_n(static_cast<unsigned char*>(a.get()), bytes, static_cast<unsigned char>(1));
    std::fill_n(static_cast<unsigned char*>(b.get()), bytes, static_cast<unsigned char>(2));
    CHECK(static_cast<unsigned char*>(a.get())[bytes - 1] == 1);
  }
}

TEST_CASE("memory: under a check new memory is NaN") {
  const MemoryCheck check;
  for (DType dtype : {DType::f32, DType::f64, DType::bf16}) {
    for (double x : Tensor({100}, dtype).to_vector()) CHECK_FALSE(!std::isnan(x));
  }
  CHECK(check.violations() == 0);
}

TEST_CASE("memory: a check counts the blocks written past either end, once they are freed") {
  const MemoryCheck check;
  const auto damage = [](int64_t size, int64_t at) {
    const std::shared_ptr<void> block = allocate(size, {});
    static_cast<unsigned char*>(block.get())[at] = 0;
  };
  damage(10, 0);
  damage(10, 9);
  CHECK(check.violations() == 0);
  damage(10, 10);
  CHECK(check.violations() == 1);
  damage(10, -1);
  CHECK(check.violations() == 2);
  damage(0, 0);
  CHECK(check.violations() == 3);
  damage(64, 64 + 255);
  damage(64, -256);
  CHECK(check.violations() == 5);

  const MemoryCheck later;
  CHECK(later.violations() == 0);
}

TEST_CASE("memory: blocks outlive and precede a check unharmed") {
  Tensor kept, before = Tensor::full({10}, 1);
  {
    const MemoryCheck check;
    kept = Tensor::full({10}, 2);
    before = Tensor();
    CHECK(check.violations() == 0);
  }
  CHECK(kept.at(9) == 2);
  const MemoryCheck check;
  kept = Tensor();
  CHECK(check.violations() == 0);
}

TEST_CASE("memory: what is freed is used again") {
  for (const int64_t bytes : {1, 100, 5000, 1 << 20, 3 << 20, 100 << 20}) {
    CAPTURE(bytes);
    allocate(bytes, {});
    const MemoryStats before = memory_stats();
    for (int i = 0; i < 10; ++i) allocate(bytes, {});
    const MemoryStats after = memory_stats();
    CHECK(after.from_system == before.from_system);
    CHECK(after.allocations == before.allocations + 10);
    CHECK(after.in_use == before.in_use);
    CHECK(after.cached == before.cached);
  }
}

TEST_CASE("memory: free ranges apart from each other make one block, without new memory") {
  constexpr int64_t unit = 4 << 20, used = unit - readable_slack;
  release_cached_memory();
  std::vector<std::shared_ptr<void>> blocks;
  for (int i = 0; i < 16; ++i) {
    blocks.push_back(allocate(used, {}));
    std::fill_n(static_cast<unsigned char*>(blocks.back().get()), used, static_cast<unsigned char>(i));
  }
  for (size_t i = 1; i < 16; i += 2) blocks[i].reset();
  const MemoryStats before = memory_stats();
  CHECK(before.cached >= 8 * unit);
  std::shared_ptr<void> large = allocate(8 * unit - readable_slack, {});
  CHECK(memory_stats().from_system == before.from_system);
  CHECK(memory_stats().in_use == before.in_use + 8 * unit);
  std::fill_n(static_cast<unsigned char*>(large.get()), 8 * unit, static_cast<unsigned char>(99));

  // The block of many pieces is cut and put together again.
  large.reset();
  for (size_t i = 1; i < 16; i += 2) {
    blocks[i] = allocate(used, {});
    std::fill_n(static_cast<unsigned char*>(blocks[i].get()), used, static_cast<unsigned char>(i));
  }
  for (size_t i = 0; i < 16; ++i) {
    const unsigned char* p = static_cast<unsigned char*>(blocks[i].get());
    CHECK(std::all_of(p, p + used, [&](unsigned char c) { return c == i; }));
  }
  CHECK(memory_stats().from_system == before.from_system);
  blocks.clear();
  large = allocate(16 * unit - readable_slack, {});
  CHECK(memory_stats().from_system == before.from_system);

  // One that is larger than all that is free takes only what is missing.
  large.reset();
  large = allocate(20 * unit - readable_slack, {});
  CHECK(memory_stats().from_system <= before.from_system + 4 * unit);
}

TEST_CASE("memory: the peak counts from where it is reset") {
  release_cached_memory();
  reset_peak_memory();
  const int64_t start = memory_stats().in_use;
  CHECK(memory_stats().peak == start);
  allocate(10 << 20, {});
  CHECK(memory_stats().peak - start >= 10 << 20);
  CHECK(memory_stats().peak - start <= 11 << 20);
  CHECK(memory_stats().in_use == start);
  reset_peak_memory();
  const Tensor x({1000});
  CHECK(memory_stats().peak - start >= 4000);
  CHECK(memory_stats().peak - start <= 8000);
}

TEST_CASE("memory: the cache can be given back") {
  const Tensor kept = Tensor::full({1 << 20}, 3);
  { const Tensor a({10 << 20}), b({100}); }
  CHECK(memory_stats().cached >= 40 << 20);
  release_cached_memory();
  CHECK(memory_stats().cached <= 4 << 20);  // parts of huge pages beside `kept`
  CHECK(kept.at(0) == 3);
  CHECK(kept.at((1 << 20) - 1) == 3);
}

TEST_CASE("memory: threads take and give blocks at once") {
  const MemoryCheck check;
  std::atomic<int> wrong{0};
  const auto work = [&](uint64_t seed) {
    std::vector<std::shared_ptr<void>> blocks(8);
    std::vector<int64_t> sizes(8);
    for (uint64_t i = 0; i < 300; ++i) {
      const uint64_t draw = Philox{seed, 0}.words(i).v[0];
      const size_t k = draw % 8;
      const auto mark = static_cast<unsigned char>(seed * 8 + k);
      const auto* old = static_cast<const unsigned char*>(blocks[k].get());
      if (old && (old[0] != mark || old[sizes[k] - 1] != mark)) ++wrong;
      sizes[k] = int64_t{1} << (draw >> 8) % 23;
      blocks[k] = allocate(sizes[k], {});
      auto* fresh = static_cast<unsigned char*>(blocks[k].get());
      fresh[0] = fresh[sizes[k] - 1] = mark;
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) threads.emplace_back(work, t);
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
  CHECK(check.violations() == 0);
}

TEST_CASE("memory: errors") {
  constexpr int64_t absurd = std::numeric_limits<int64_t>::max();
  CHECK(error_of([] { allocate(absurd, {}); }) ==
        "[memory] out of memory: cannot allocate 9223372036854775807 bytes on the CPU");
  CHECK(error_of([] { allocate(-1, {}); }) == "[memory] a size cannot be negative: -1");
}

}  // namespace lacuna
