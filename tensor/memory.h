#pragma once

#include <cstdint>
#include <memory>

#include "tensor/device.h"

namespace lacuna {

/// Bytes that may be read, not written, beyond the end of every block: kernels load whole vectors and drop what is
/// beyond.
constexpr int64_t readable_slack = 128;

/// `bytes` of uninitialised memory on `device`, aligned to 64 bytes; released with the last owner.
/// Throws Error when there is none left.
std::shared_ptr<void> allocate(int64_t bytes, Device device);

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
