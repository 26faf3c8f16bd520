#include "tensor/memory_pool.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(begin, bytes) (static_cast<void>(begin), static_cast<void>(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(begin, bytes) (static_cast<void>(begin), static_cast<void>(bytes))
#endif

namespace lacuna {
namespace {

constexpr int64_t alignment = 64;
constexpr int64_t huge_page = 2 << 20;
constexpr int64_t most_small = 1 << 20;
constexpr int64_t large_unit = 64 << 10;  // sizes of large blocks are multiples of it

int64_t up_to(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/// What a block of `bytes` takes.
int64_t block_size(int64_t bytes) {
  if (bytes > most_small) return up_to(bytes, large_unit);
  const int64_t floor = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(bytes, 1) - 1)));
  return up_to(std::max<int64_t>(bytes, 1), std::max(alignment, floor / 4));
}

void* map(void* at, int64_t bytes, int protection, int flags) {
  void* p = mmap(at, static_cast<size_t>(bytes), protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

/// Addresses for `bytes`, at a multiple of a huge page, with no memory behind them; null if there are none.
char* reserve(int64_t bytes) {
  char* p = static_cast<char*>(map(nullptr, bytes + huge_page, PROT_NONE, MAP_NORESERVE));
  if (!p) return nullptr;
  const int64_t before = -static_cast<int64_t>(reinterpret_cast<uintptr_t>(p)) & (huge_page - 1);
  if (before > 0) munmap(p, static_cast<size_t>(before));
  munmap(p + before + bytes, static_cast<size_t>(huge_page - before));
  return p + before;
}

/// Puts new memory behind reserved addresses.
bool map_new(char* begin, int64_t bytes) {
  if (!map(begin, bytes, PROT_READ | PROT_WRITE, MAP_FIXED)) return false;
  madvise(begin, static_cast<size_t>(bytes), MADV_HUGEPAGE);  // where the system allows; without it only slower
  return true;
}

char* first_page(char* begin) {
  return reinterpret_cast<char*>(up_to(static_cast<int64_t>(reinterpret_cast<uintptr_t>(begin)), huge_page));
}

}  // namespace

MemoryPool& MemoryPool::instance() {
  static MemoryPool& pool = *new MemoryPool;
  return pool;
}

void* MemoryPool::take(int64_t bytes) {
  const int64_t size = block_size(bytes);
  const std::lock_guard lock(mutex_);
  void* block = size <= most_small ? take_small(size) : take_large(size);
  if (!block) return nullptr;
  ASAN_UNPOISON_MEMORY_REGION(block, static_cast<size_t>(bytes));
  stats_.in_use += size;
  stats_.peak = std::max(stats_.peak, stats_.in_use);
  ++stats_.allocations;
  return block;
}

void MemoryPool::give(void* block, int64_t bytes) {
  const int64_t size = block_size(bytes);
  ASAN_POISON_MEMORY_REGION(block, static_cast<size_t>(size));
  const std::lock_guard lock(mutex_);
  stats_.in_use -= size;
  stats_.cached += size;
  if (size <= most_small) {
    small_[size].push_back(block);
  } else {
    add_free(static_cast<char*>(block), size);
  }
}

void* MemoryPool::take_small(int64_t size) {
  std::vector<void*>& blocks = small_[size];
  if (!blocks.empty()) {
    void* block = blocks.back();
    blocks.pop_back();
    stats_.cached -= size;
    return block;
  }
  void* block = nullptr;
  if (posix_memalign(&block, alignment, static_cast<size_t>(size)) != 0) return nullptr;
  ASAN_POISON_MEMORY_REGION(block, static_cast<size_t>(size));
  stats_.from_system += size;
  return block;
}

void* MemoryPool::take_large(int64_t size) {
  const std::pair<int64_t, char*> least{size, nullptr};
  auto fit = by_size_.lower_bound(least);
  if (fit == by_size_.end()) {
    if (!make_range(size)) {
      release_locked();
      if (!make_range(size)) return nullptr;
    }
    fit = by_size_.lower_bound(least);
  }
  const auto [length, begin] = *fit;
  remove_free(begin, length);
  if (length > size) add_free(begin + size, length - size);
  stats_.cached -= size;
  return begin;
}

bool MemoryPool::make_range(int64_t bytes) {
  const int64_t size = up_to(bytes, huge_page);
  char* const begin = reserve(size);
  if (!begin) return false;
  char* at = begin;
  bool done = true;
  for (const auto& [from, length] : take_free_pages(size)) {
    const int64_t moved = done ? move_pages(from, length, at) : 0;
    done = done && moved == length;
    if (moved < length) add_free(from + moved, length - moved);
    at += moved;
  }
  const int64_t missing = begin + size - at;
  if (!done || (missing > 0 && !map_new(at, missing))) {
    munmap(at, static_cast<size_t>(missing));
    if (at > begin) add_free(begin, at - begin);
    return false;
  }
  stats_.from_system += missing;
  stats_.cached += missing;
  seams_.insert({begin, at, begin + size});
  ASAN_POISON_MEMORY_REGION(begin, static_cast<size_t>(size));
  add_free(begin, size);
  return true;
}

std::vector<std::pair<char*, int64_t>> MemoryPool::take_free_pages(int64_t bytes) {
  const std::vector<std::pair<int64_t, char*>> ranges(by_size_.rbegin(), by_size_.rend());
  std::vector<std::pair<char*, int64_t>> taken;
  for (const auto& [length, begin] : ranges) {
    char *const from = first_page(begin), *const end = begin + length;
    const int64_t count = std::min((end - from) / huge_page * huge_page, bytes);
    if (count <= 0) continue;
    remove_free(begin, length);
    if (from > begin) add_free(begin, from - begin);
    if (end > from + count) add_free(from + count, end - from - count);
    taken.emplace_back(from, count);
    bytes -= count;
  }
  return taken;
}

int64_t MemoryPool::move_pages(char* from, int64_t bytes, char* to) {
  ASAN_UNPOISON_MEMORY_REGION(from, static_cast<size_t>(bytes));
  int64_t moved = 0;
  while (moved < bytes) {
    char* const piece = from + moved;
    const auto seam = seams_.upper_bound(piece);
    const int64_t length = (seam == seams_.end() ? from + bytes : std::min(from + bytes, *seam)) - piece;
    const size_t size = static_cast<size_t>(length);
    if (mremap(piece, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to + moved) == MAP_FAILED) break;
    forget_seams(piece, length);
    seams_.insert({to + moved, to + moved + length});
    moved += length;
  }
  return moved;
}

void MemoryPool::release() {
  const std::lock_guard lock(mutex_);
  release_locked();
  malloc_trim(0);
}

void MemoryPool::release_locked() {
  for (auto& [size, blocks] : small_) {
    for (void* block : blocks) std::free(block);
    stats_.cached -= size * static_cast<int64_t>(blocks.size());
    blocks.clear();
  }
  for (const auto& [begin, length] : take_free_pages(std::numeric_limits<int64_t>::max())) {
    ASAN_UNPOISON_MEMORY_REGION(begin, static_cast<size_t>(length));
    munmap(begin, static_cast<size_t>(length));
    forget_seams(begin, length);
    stats_.cached -= length;
  }
}

void MemoryPool::add_free(char* begin, int64_t bytes) {
  auto next = free_.lower_bound(begin);
  if (next != free_.end() && next->first == begin + bytes) {
    bytes += next->second;
    remove_free(next->first, next->second);
    next = free_.lower_bound(begin);
  }
  if (next != free_.begin()) {
    const auto [before, length] = *std::prev(next);
    if (before + length == begin) {
      remove_free(before, length);
      begin = before;
      bytes += length;
    }
  }
  free_.emplace(begin, bytes);
  by_size_.emplace(bytes, begin);
}

void MemoryPool::remove_free(char* begin, int64_t bytes) {
  free_.erase(begin);
  by_size_.erase({bytes, begin});
}

void MemoryPool::forget_seams(char* begin, int64_t bytes) {
  seams_.erase(seams_.lower_bound(begin), seams_.upper_bound(begin + bytes));
}

MemoryStats MemoryPool::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void MemoryPool::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak = stats_.in_use;
}

}  // namespace lacuna
