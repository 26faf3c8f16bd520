#pragma once

#include <cstdint>
#include <memory>

#include "tensor/device.h"
#include "tensor/device_pool.h"
#include "tensor/memory.h"

namespace lacuna::detail {
/// Counts a block whose red zone was overwritten, for MemoryCheck.
void report_damaged_block();
}  // namespace lacuna::detail

/// The CUDA side of tensor/memory.h. Every call throws Error in a build without CUDA, and where device `index` is not
/// there.
namespace lacuna::cuda {

/// `checked`: filled with NaN, and fenced by red zones that are looked at when the block is released.
std::shared_ptr<void> allocate(int64_t bytes, int index, bool checked);
void copy(void* to, Device to_device, const void* from, Device from_device, int64_t bytes);
void zero(void* p, Device device, int64_t bytes);

MemoryStats memory_stats(int index);
void reset_peak_memory(int index);
/// Does nothing without CUDA.
void release_cached_memory();

/// A pool of its own on a device. While it lives it counts, with the most that was ever in use of it, as in use.
std::shared_ptr<DevicePool> make_pool(int index);

/// While one is alive, the memory that this thread asks for on CUDA devices is the pool's.
class UsePool {
 public:
  explicit UsePool(std::shared_ptr<DevicePool> pool);
  ~UsePool();
  UsePool(const UsePool&) = delete;
  UsePool& operator=(const UsePool&) = delete;

 private:
  std::shared_ptr<DevicePool> outer_;
};

/// While one is alive, what this thread puts on streams is recorded and not done: copies from and to the host are
/// errors, waiting is for nothing.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
};

}  // namespace lacuna::cuda
