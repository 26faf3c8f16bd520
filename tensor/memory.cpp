#include "tensor/memory.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "tensor/check.h"

namespace lacuna {
namespace {

constexpr int64_t alignment = 64;
constexpr int64_t red_zone = 256;  // bytes on either side of a checked block
static_assert(red_zone >= readable_slack);
constexpr unsigned char red = 0xA5;
constexpr unsigned char poison = 0xFF;  // all ones is a NaN in f32, f64 and bf16

std::atomic<int> active_checks{0};
std::atomic<int64_t> damaged_blocks{0};

// Large blocks come and go in every step; without this each would be mapped, faulted in and unmapped anew.
const bool keeps_freed_memory = [] {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  return true;
}();

unsigned char* aligned_block(int64_t bytes) {
  void* p = nullptr;
  if (posix_memalign(&p, alignment, static_cast<size_t>(bytes) + readable_slack) != 0) {
    fail("[memory] out of memory: cannot allocate ", bytes, " bytes on the CPU");
  }
  return static_cast<unsigned char*>(p);
}

bool untouched(const unsigned char* zone) {
  return std::all_of(zone, zone + red_zone, [](unsigned char c) { return c == red; });
}

std::shared_ptr<void> checked_block(int64_t bytes) {
  unsigned char* base = aligned_block(bytes + 2 * red_zone);
  unsigned char* data = base + red_zone;
  std::memset(base, red, red_zone);
  std::memset(data, poison, static_cast<size_t>(bytes));
  std::memset(data + bytes, red, red_zone);
  return {data, [base, bytes](void* d) {
            if (!untouched(base) || !untouched(static_cast<unsigned char*>(d) + bytes)) ++damaged_blocks;
            std::free(base);
          }};
}

}  // namespace

std::shared_ptr<void> allocate(int64_t bytes, Device device) {
  check(device.kind == Device::Kind::cpu, "[memory] this build has no memory on ", device);
  check(bytes >= 0, "[memory] a size cannot be negative: ", bytes);
  if (active_checks > 0) return checked_block(bytes);
  return {aligned_block(bytes), std::free};
}

MemoryCheck::MemoryCheck() : violations_before_(damaged_blocks) { ++active_checks; }
MemoryCheck::~MemoryCheck() { --active_checks; }
int64_t MemoryCheck::violations() const { return damaged_blocks - violations_before_; }

}  // namespace lacuna
