#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tensor/memory.h"

namespace lacuna {

/// Where the CPU's blocks come from. What is given back is kept for the next blocks.
///
/// Small blocks are of size classes (four to a doubling), each with its list of free blocks. Large ones are cut from
/// mapped ranges that lie at multiples of a huge page, best fit first; free neighbours are one. Where no free range is
/// long enough, the pages of several are moved under new addresses, next to each other (mremap moves entries of the
/// page table, no contents), and the system is asked for no more than what is then missing. So fragments of address
/// space are never a reason to take memory: what is held beyond the most that was ever in use are parts of huge pages
/// beside blocks.
///
/// All functions may be called from several threads at once.
class MemoryPool {
 public:
  /// Never destroyed: tensors in static storage outlive everything else.
  static MemoryPool& instance();

  /// A block of at least `bytes` (>= 0) at a multiple of 64; null when there is none left.
  void* take(int64_t bytes);
  /// Gives it back; `bytes` as asked for.
  void give(void* block, int64_t bytes);
  /// Returns what is free to the system, down to parts of huge pages.
  void release();

  MemoryStats stats() const;
  void reset_peak();

 private:
  void* take_small(int64_t bytes);
  void* take_large(int64_t bytes);
  /// Makes a free range of at least `bytes` out of the free ones and new memory; false if the system has none.
  bool make_range(int64_t bytes);
  void add_free(char* begin, int64_t bytes);
  void remove_free(char* begin, int64_t bytes);
  /// At most `bytes` of the whole huge pages within the free ranges, taken out of them, longest range first.
  std::vector<std::pair<char*, int64_t>> take_free_pages(int64_t bytes);
  /// Puts the pages at `from` behind the addresses at `to`; returns how many bytes of them, fewer if the system
  /// refuses.
  int64_t move_pages(char* from, int64_t bytes, char* to);
  void forget_seams(char* begin, int64_t bytes);
  void release_locked();

  mutable std::mutex mutex_;
  std::unordered_map<int64_t, std::vector<void*>> small_;  // free blocks by size
  std::map<char*, int64_t> free_;                          // free ranges by address
  std::set<std::pair<int64_t, char*>> by_size_;            // the same by length
  std::set<char*> seams_;  // where the system's own ranges may end: pages on both sides cannot be moved at once
  MemoryStats stats_;
};

}  // namespace lacuna
