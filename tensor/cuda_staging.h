#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <vector>

#include "tensor/cuda.h"

namespace lacuna::cuda {

/// Carries bytes from the host's memory to a device by way of pinned memory, used in turn from its beginning to its
/// end, so that the copies go on while the host does other things. Never destroyed, as streams are not.
class Staging {
 public:
  /// When it returns, `from` may be changed; the bytes arrive in the order of the stream.
  void upload(cudaStream_t stream, void* to, const void* from, int64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (!memory_) check_cuda(cudaMallocHost(reinterpret_cast<void**>(&memory_), capacity), "copy");
    for (int64_t done = 0; done < bytes; done += largest_piece) {
      const int64_t piece = std::min(bytes - done, largest_piece);
      unsigned char* const at = memory_ + take(piece);
      std::memcpy(at, static_cast<const unsigned char*>(from) + done, static_cast<size_t>(piece));
      check_cuda(cudaMemcpyAsync(static_cast<unsigned char*>(to) + done, at, static_cast<size_t>(piece),
                                 cudaMemcpyHostToDevice, stream),
                 "copy");
      check_cuda(cudaEventRecord(flights_.back().landed, stream), "copy");
    }
  }

 private:
  struct Flight {
    int64_t begin, end;
    cudaEvent_t landed;
  };

  static constexpr int64_t capacity = int64_t{64} << 20, largest_piece = capacity / 4;

  /// Where the next flight begins; waits for those that are still there.
  int64_t take(int64_t bytes) {
    constexpr int64_t unit = 256;
    constexpr size_t most_flights = 1024;  // else many small ones would make the search below long
    const int64_t begin = capacity - next_ < bytes ? 0 : next_, end = begin + bytes;
    cudaEvent_t landed = nullptr;
    const auto in_the_way = [&](const Flight& flight) { return flight.begin < end && begin < flight.end; };
    while (flights_.size() >= most_flights || std::any_of(flights_.begin(), flights_.end(), in_the_way)) {
      check_cuda(cudaEventSynchronize(flights_.front().landed), "copy");
      spare_.push_back(flights_.front().landed);
      flights_.pop_front();
    }
    if (spare_.empty()) {
      check_cuda(cudaEventCreateWithFlags(&landed, cudaEventDisableTiming), "copy");
    } else {
      landed = spare_.back();
      spare_.pop_back();
    }
    flights_.push_back({begin, end, landed});
    next_ = std::min(capacity, (end + unit - 1) / unit * unit);
    return begin;
  }

  std::mutex mutex_;
  unsigned char* memory_ = nullptr;
  int64_t next_ = 0;
  std::deque<Flight> flights_;  // the oldest first
  std::vector<cudaEvent_t> spare_;
};

}  // namespace lacuna::cuda
