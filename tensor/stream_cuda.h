#pragma once

#include <cuda_runtime_api.h>

#include "tensor/check.h"

namespace lacuna {

/// The execution context a CUDA kernel is called with: work on one stream runs in order. The default is the current
/// device's default stream.
struct CudaStream {
  cudaStream_t handle = nullptr;
};

/// Throws Error naming the op unless the CUDA call succeeded.
inline void check_cuda(cudaError_t status, const char* op) {
  check(status == cudaSuccess, "[", op, "] CUDA: ", cudaGetErrorString(status));
}

}  // namespace lacuna
