#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/stream_cuda.h"

namespace lacuna {

namespace detail {
template <class F>
__global__ void for_each_kernel(int64_t n, F f) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) f(i);
}
}  // namespace detail

/// Runs a functor for every index in [0, n) on the device, as ops/launch.h does on the CPU: the same functor, whose
/// pointers are the device's here. Returns before the work is done. Throws Error naming the op if the launch fails; a
/// fault inside the functor shows where the stream is next waited for.
template <class F>
void for_each(const CudaStream& stream, const char* op, int64_t n, F f) {
  constexpr int64_t threads = 256, max_blocks = 4096;  // fills any device; a thread takes more indices beyond that
  if (n <= 0) return;
  const int64_t blocks = std::min(max_blocks, (n + threads - 1) / threads);
  detail::for_each_kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads), 0, stream.handle>>>(n, f);
  check_cuda(cudaGetLastError(), op);
}

}  // namespace lacuna
