#pragma once

#include <memory>

#include "distributed/communicator.h"

namespace lacuna {

/// Adds the ranks' GPUs to a communicator over the host: tensors on `device`, which no other rank on this host may have
/// chosen, are exchanged by NCCL while the device computes; all others go by way of `host`. There only where the
/// program was built with LACUNA_CUDA and NCCL was found (LACUNA_NCCL).
std::unique_ptr<Communicator> make_cuda_communicator(std::unique_ptr<Communicator> host, Device device);

}  // namespace lacuna
