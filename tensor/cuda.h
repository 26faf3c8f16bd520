#pragma once

#ifdef LACUNA_CUDA_EMULATED
#include "emulator/cuda_runtime.h"
#else
#include <cuda_runtime.h>
#endif

#include <algorithm>

#include "tensor/stream.h"

/// What CUDA sources include: the run-time library, or its emulation on the CPU, and the way kernels are launched.

/// Dynamic shared memory, aligned to 1024 bytes, which the swizzled tiles of Hopper's tensor units ask for.
#ifdef LACUNA_CUDA_EMULATED
#define LACUNA_DYNAMIC_SHARED(name) unsigned char* const name = ::lacuna::emulator::dynamic_shared()
#else
#define LACUNA_DYNAMIC_SHARED(name) extern __shared__ __align__(1024) unsigned char name[]
#endif

namespace lacuna {

/// Throws Error naming the op, or the function whose signature is given, unless the CUDA call succeeded.
inline void check_cuda(cudaError_t status, const char* op) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // forgets it, where it is not for good: else the next launch would report it again
  fail("[", detail::short_name(op), "] CUDA: ", cudaGetErrorString(status));
}

/// A launch's shape: blocks of the grid, threads of a block, bytes of dynamic shared memory.
struct Grid {
  dim3 blocks, threads;
  int64_t shared_bytes = 0;
};

/// Runs kernel(arguments...) in stream order. Returns before the work is done; throws Error naming the op if the launch
/// itself fails. A fault inside the kernel shows where the stream is next waited for.
template <class... Parameters, class... Arguments>
void launch(const CudaStream& stream, const Grid& grid, void (*kernel)(Parameters...), const Arguments&... arguments) {
  constexpr int64_t always_granted = 48 * 1024;
  const auto shared = static_cast<size_t>(grid.shared_bytes);
  if (grid.shared_bytes > always_granted) {
    const auto bytes = static_cast<int>(grid.shared_bytes);
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), stream.op);
  }
#ifdef LACUNA_CUDA_EMULATED
  emulator::launch(grid.blocks, grid.threads, shared, stream.handle,
                   [=] { kernel(static_cast<Parameters>(arguments)...); });
#else
  cudaLaunchConfig_t config{};
  config.gridDim = grid.blocks;
  config.blockDim = grid.threads;
  config.dynamicSmemBytes = shared;
  config.stream = stream.handle;
  check_cuda(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), stream.op);
#endif
  check_cuda(cudaGetLastError(), stream.op);
}

namespace detail {
template <class F>
__global__ void for_each_kernel(int64_t n, F f) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) f(i);
}
}  // namespace detail

/// Runs a functor for every index in [0, n), as tensor/launch.h does on the CPU: the same functor, whose pointers are
/// the device's here.
template <class F>
void for_each(const CudaStream& stream, int64_t n, F f) {
  constexpr int64_t threads = 256, max_blocks = 4096;  // fills any device; a thread takes more indices beyond that
  if (n <= 0) return;
  const int64_t blocks = std::min(max_blocks, (n + threads - 1) / threads);
  launch(stream, {static_cast<unsigned>(blocks), static_cast<unsigned>(threads)}, detail::for_each_kernel<F>, n, f);
}

}  // namespace lacuna
