#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "tensor/memory.h"

namespace lacuna {

/// Where a CUDA device's blocks come from. Blocks are cut, best fit first, from segments of the system's memory; what
/// is given back joins its free neighbours and is kept for the next blocks. A block may be handed out again while
/// kernels that read its former contents still run: those of its next owner come after them on the stream.
///
/// All functions may be called from several threads at once.
class DevicePool {
 public:
  /// Where segments come from: null if there is none left.
  using Take = std::function<void*(int64_t bytes)>;
  using Give = std::function<void(void* segment)>;
  /// `keeps`: segments go back to the system with the pool and not before, so that their addresses stay good for those
  /// who wrote them down.
  DevicePool(Take take, Give give, bool keeps = false);
  ~DevicePool();
  DevicePool(const DevicePool&) = delete;
  DevicePool& operator=(const DevicePool&) = delete;

  /// A block of at least `bytes` (>= 0) at a multiple of 512; null when there is none left.
  void* take(int64_t bytes);
  void give(void* block);
  /// Returns the segments that are free as a whole to the system, unless they are kept.
  void release();

  MemoryStats stats() const;
  void reset_peak();

 private:
  struct Range {
    int64_t bytes;
    bool free, first;  // first: a segment begins here, so that it is not joined with what lies before it
  };

  void* take_locked(int64_t bytes);
  bool add_segment(int64_t bytes);
  void release_locked();

  mutable std::mutex mutex_;
  Take take_segment_;
  Give give_segment_;
  bool keeps_;
  std::map<char*, Range> ranges_;                // all of all segments, by address
  std::set<std::pair<int64_t, char*>> by_size_;  // the free ones
  MemoryStats stats_;
};

}  // namespace lacuna
