#include "tensor/device_pool.h"

#include <algorithm>
#include <iterator>

#include "tensor/check.h"

namespace lacuna {
namespace {

constexpr int64_t unit = 512;               // the grid that blocks lie on
constexpr int64_t segment_unit = 64 << 20;  // small requests share a segment
constexpr int64_t segment_step = 2 << 20;   // a device's page

int64_t rounded(int64_t bytes, int64_t to) { return (std::max<int64_t>(bytes, 1) + to - 1) / to * to; }

}  // namespace

DevicePool::DevicePool(Take take, Give give, bool keeps)
    : take_segment_(std::move(take)), give_segment_(std::move(give)), keeps_(keeps) {}

DevicePool::~DevicePool() {
  keeps_ = false;
  release();
}

void* DevicePool::take(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  void* block = take_locked(rounded(bytes, unit));
  if (block) ++stats_.allocations;
  return block;
}

void* DevicePool::take_locked(int64_t bytes) {
  auto best = by_size_.lower_bound({bytes, nullptr});
  if (best == by_size_.end()) {
    if (!add_segment(bytes)) return nullptr;
    best = by_size_.lower_bound({bytes, nullptr});
  }
  const auto [length, begin] = *best;
  by_size_.erase(best);
  Range& range = ranges_.at(begin);
  range.free = false;
  if (length > bytes) {
    range.bytes = bytes;
    ranges_[begin + bytes] = {length - bytes, true, false};
    by_size_.insert({length - bytes, begin + bytes});
  }
  stats_.in_use += bytes;
  stats_.peak = std::max(stats_.peak, stats_.in_use);
  stats_.cached -= bytes;
  return begin;
}

bool DevicePool::add_segment(int64_t bytes) {
  for (const int64_t length : {rounded(bytes, segment_unit), rounded(bytes, segment_step)}) {
    char* segment = static_cast<char*>(take_segment_(length));
    if (!segment) {
      release_locked();  // free segments that are too short for this block may make room for one that is not
      segment = static_cast<char*>(take_segment_(length));
    }
    if (!segment) continue;
    ranges_[segment] = {length, true, true};
    by_size_.insert({length, segment});
    stats_.cached += length;
    stats_.from_system += length;
    return true;
  }
  return false;
}

void DevicePool::give(void* block) {
  const std::lock_guard lock(mutex_);
  auto range = ranges_.find(static_cast<char*>(block));
  check(range != ranges_.end() && !range->second.free, "[memory] a block is given back that was not taken");
  stats_.in_use -= range->second.bytes;
  stats_.cached += range->second.bytes;
  const auto next = std::next(range);
  if (next != ranges_.end() && next->second.free && !next->second.first) {
    by_size_.erase({next->second.bytes, next->first});
    range->second.bytes += next->second.bytes;
    ranges_.erase(next);
  }
  if (!range->second.first && range != ranges_.begin()) {
    const auto before = std::prev(range);
    if (before->second.free) {
      by_size_.erase({before->second.bytes, before->first});
      before->second.bytes += range->second.bytes;
      ranges_.erase(range);
      range = before;
    }
  }
  range->second.free = true;
  by_size_.insert({range->second.bytes, range->first});
}

void DevicePool::release() {
  const std::lock_guard lock(mutex_);
  release_locked();
}

void DevicePool::release_locked() {
  if (keeps_) return;
  for (auto range = ranges_.begin(); range != ranges_.end();) {
    const auto next = std::next(range);
    const bool whole = range->second.first && (next == ranges_.end() || next->second.first);
    if (range->second.free && whole) {
      give_segment_(range->first);
      by_size_.erase({range->second.bytes, range->first});
      stats_.cached -= range->second.bytes;
      ranges_.erase(range);
    }
    range = next;
  }
}

MemoryStats DevicePool::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void DevicePool::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak = stats_.in_use;
}

}  // namespace lacuna
