#include <cmath>
#include <limits>

#include "tensor/memory.h"
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

TEST_CASE("memory: errors") {
  constexpr int64_t absurd = std::numeric_limits<int64_t>::max();
  CHECK(error_of([] { allocate(absurd, {}); }) ==
        "[memory] out of memory: cannot allocate 9223372036854775807 bytes on the CPU");
  CHECK(error_of([] { allocate(-1, {}); }) == "[memory] a size cannot be negative: -1");
}

}  // namespace lacuna
