#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lacuna {

/// What a kernel has found wrong with the data it was given, which the host does not look at.
struct IndexFault {
  const char* op = nullptr;  ///< null: nothing
  int64_t index = 0, rows = 0;
};

/// Where kernels on a CUDA device note a fault, readable by the host as well. One that was noted becomes an Error the
/// next time that the device is waited for: in synchronize() or a copy to the host.
IndexFault* index_fault(Device device);

}  // namespace lacuna
