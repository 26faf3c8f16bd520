#pragma once

#include <doctest/doctest.h>

#include "tensor/device.h"

namespace lacuna::test {

/// Whether a CUDA driver and a device are there.
inline bool has_device() { return cuda_device_count() > 0; }

/// has_device, saying so in the test's output where there is none.
inline bool has_device_or_skips() {
  const bool there = has_device();
  if (!there) MESSAGE("skipped: no CUDA device");
  return there;
}

}  // namespace lacuna::test
