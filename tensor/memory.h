#pragma once

#include <cstdint>
#include <memory>

#include "tensor/device.h"

namespace lacuna {

/// Bytes that may be read, not written, beyond the end of every block: kernels load whole vectors and drop what is
/// beyond.
constexpr int64_t readable_slack = 128;

/// `bytes` of uninitialised memory on `device`, aligned to 64 bytes; released with the last owner, and then kept for
/// the next blocks: a loop that always does the same takes no memory from the system after its first turn. Throws Error
/// when there is none left.
std::shared_ptr<void> allocate(int64_t bytes, Device device);

/// Copies bytes between or within devices, in the order of the streams. When it returns, `from` may be changed; if the
/// copy goes to the CPU, it is there.
void copy_memory(void* to, Device to_device, const void* from, Device from_device, int64_t bytes);
void zero_memory(void* p, Device device, int64_t bytes);

/// What the blocks on a device amount to, in bytes as rounded for the allocator's sake, since the program's start.
struct MemoryStats {
  int64_t in_use = 0;       ///< in blocks that have an owner
  int64_t peak = 0;         ///< the most in use at a time, since the last reset_peak_memory()
  int64_t cached = 0;       ///< freed and kept
  int64_t allocations = 0;  ///< number of blocks handed out
  int64_t from_system = 0;  ///< taken from the system, ever
};
MemoryStats memory_stats(Device device = {});
/// The peak begins anew with what is in use.
void reset_peak_memory(Device device = {});
/// Gives freed blocks back to the system, on every device.
void release_cached_memory();

/// Bytes of physical memory that the whole process occupies; 0 where the system does not tell.
int64_t resident_memory();

/// While one is alive, every allocation is filled with NaN and fenced by red zones on both sides, so that
/// an op that reads what it never wrote, or writes out of bounds, shows in its results or in violations().
class MemoryCheck {
 public:
  MemoryCheck();
  ~MemoryCheck();
  MemoryCheck(const MemoryCheck&) = delete;
  MemoryCheck& operator=(const MemoryCheck&) = delete;

  /// How many freed blocks had a damaged red zone since this check began.
  int64_t violations() const;

 private:
  int64_t violations_before_;
};

}  // namespace lacuna
