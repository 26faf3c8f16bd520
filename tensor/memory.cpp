#include "tensor/memory.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>

#include "tensor/check.h"
#include "tensor/memory_cuda.h"
#include "tensor/memory_pool.h"

namespace lacuna {
namespace {

constexpr int64_t most_bytes = int64_t{1} << 46;  // beyond any address space, yet far from overflow
constexpr int64_t red_zone = 256;                 // bytes on either side of a checked block
static_assert(red_zone >= readable_slack);
constexpr unsigned char red = 0xA5;
constexpr unsigned char poison = 0xFF;  // all ones is a NaN in f32, f64 and bf16

std::atomic<int> active_checks{0};
std::atomic<int64_t> damaged_blocks{0};

unsigned char* new_block(int64_t bytes) {
  void* p = MemoryPool::instance().take(bytes);
  if (!p) fail("[memory] out of memory: cannot allocate ", bytes, " bytes on the CPU");
  return static_cast<unsigned char*>(p);
}

bool untouched(const unsigned char* zone) {
  return std::all_of(zone, zone + red_zone, [](unsigned char c) { return c == red; });
}

std::shared_ptr<void> checked_block(int64_t bytes) {
  const int64_t fenced = bytes + 2 * red_zone;
  unsigned char* base = new_block(fenced);
  unsigned char* data = base + red_zone;
  std::memset(base, red, red_zone);
  std::memset(data, poison, static_cast<size_t>(bytes));
  std::memset(data + bytes, red, red_zone);
  return {data, [=](void*) {
            if (!untouched(base) || !untouched(data + bytes)) detail::report_damaged_block();
            MemoryPool::instance().give(base, fenced);
          }};
}

}  // namespace

std::shared_ptr<void> allocate(int64_t bytes, Device device) {
  check(bytes >= 0, "[memory] a size cannot be negative: ", bytes);
  if (device.kind == Device::Kind::cuda) return cuda::allocate(bytes, device.index, active_checks > 0);
  check(bytes <= most_bytes, "[memory] out of memory: cannot allocate ", bytes, " bytes on the CPU");
  if (active_checks > 0) return checked_block(bytes);
  const int64_t with_slack = bytes + readable_slack;
  return {new_block(with_slack), [with_slack](void* p) { MemoryPool::instance().give(p, with_slack); }};
}

void copy_memory(void* to, Device to_device, const void* from, Device from_device, int64_t bytes) {
  if (bytes == 0) return;
  if (to_device.kind == Device::Kind::cpu && from_device.kind == Device::Kind::cpu) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
  } else {
    cuda::copy(to, to_device, from, from_device, bytes);
  }
}

void zero_memory(void* p, Device device, int64_t bytes) {
  if (bytes == 0) return;
  if (device.kind == Device::Kind::cpu) {
    std::memset(p, 0, static_cast<size_t>(bytes));
  } else {
    cuda::zero(p, device, bytes);
  }
}

MemoryStats memory_stats(Device device) {
  return device.kind == Device::Kind::cpu ? MemoryPool::instance().stats() : cuda::memory_stats(device.index);
}

void reset_peak_memory(Device device) {
  if (device.kind == Device::Kind::cpu) {
    MemoryPool::instance().reset_peak();
  } else {
    cuda::reset_peak_memory(device.index);
  }
}

void release_cached_memory() {
  MemoryPool::instance().release();
  cuda::release_cached_memory();
}

int64_t resident_memory() {
  std::ifstream pages("/proc/self/statm");
  int64_t mapped = 0, resident = 0;
  return pages >> mapped >> resident ? resident * sysconf(_SC_PAGESIZE) : 0;
}

MemoryCheck::MemoryCheck() : violations_before_(damaged_blocks) { ++active_checks; }
MemoryCheck::~MemoryCheck() { --active_checks; }
int64_t MemoryCheck::violations() const { return damaged_blocks - violations_before_; }

void detail::report_damaged_block() { ++damaged_blocks; }

}  // namespace lacuna
