#include <algorithm>

#include "bench/device_peak.h"
#include "ops/matmul/mma.cuh"
#include "ops/matmul/wgmma.cuh"
#include "tensor/cuda.h"
#include "tensor/memory.h"

namespace lacuna::bench {
namespace {

constexpr unsigned threads = 256;
constexpr int chains = 8;  // independent sums of a thread, so that none waits for itself

/// Writes what was computed if it is a number that it never is: it must not be optimised away.
__device__ void use(float sum, float* never) {
  if (sum == -1.0f) *never = sum;
}

__global__ void multiply_add(int rounds, float factor, float* never) {
  float sums[chains];
  for (int i = 0; i < chains; ++i) sums[i] = static_cast<float>(i);
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int i = 0; i < chains; ++i) sums[i] = fmaf(sums[i], factor, 1.0f);
  }
  float sum = 0;
  for (int i = 0; i < chains; ++i) sum += sums[i];
  use(sum, never);
}

__global__ void multiply_tiles(int rounds, float factor, float* never) {
  uint32_t a[4], b[2];
  for (int i = 0; i < 4; ++i) a[i] = warp::pack_bf16(factor, factor * static_cast<float>(i));
  for (int i = 0; i < 2; ++i) b[i] = warp::pack_bf16(factor * static_cast<float>(i), factor);
  float sums[chains][4] = {};
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int i = 0; i < chains; ++i) warp::mma_bf16(sums[i], a, b);
  }
  float sum = 0;
  for (int i = 0; i < chains; ++i) sum += sums[i][0] + sums[i][1] + sums[i][2] + sums[i][3];
  use(sum, never);
}

constexpr int group_rows = 64, group_columns = 128, line_bytes = 128;
constexpr int group_shared_bytes = (group_rows + group_columns) * line_bytes;

/// Below sm_90a the kernel is empty.
__global__ void __launch_bounds__(threads) multiply_group_tiles(int rounds, float factor, float* never) {
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
  LACUNA_DYNAMIC_SHARED(shared);
  constexpr int elements = group_shared_bytes / static_cast<int>(sizeof(bf16));
  for (int i = static_cast<int>(threadIdx.x); i < elements; i += threads) {
    reinterpret_cast<bf16*>(shared)[i] = bf16(factor * static_cast<float>(i % 7));
  }
  warpgroup::publish();
  __syncthreads();
  float sums[1][group_columns / 8][4] = {};
  for (int r = 0; r < rounds; ++r) {
    warpgroup::begin(sums);
#pragma unroll
    for (int i = 0; i < chains; ++i) {
      const auto a = warpgroup::Operand::at<line_bytes>(shared, i % 4 * 32, 0);
      const auto b = warpgroup::Operand::at<line_bytes>(shared + group_rows * line_bytes, i % 4 * 32, 0);
      warpgroup::multiply<group_columns, false, false>(sums[0], a, b);
    }
    warpgroup::commit();
    warpgroup::wait(sums);
  }
  float sum = 0;
  for (int j = 0; j < group_columns / 8; ++j) sum += sums[0][j][0] + sums[0][j][1] + sums[0][j][2] + sums[0][j][3];
  use(sum, never);
#endif
}

using Kernel = void (*)(int, float, float*);

/// `operations`: of a thread in a round.
double best_flops(Device device, Kernel kernel, double operations, unsigned blocks, double seconds,
                  const Effort& effort, int shared_bytes = 0) {
  const CudaStream stream = cuda_stream(device, "peak");
  const auto never = allocate(sizeof(float), device);
  int rounds = 1;
  const auto run = [&] {
    launch(stream, {blocks, threads, shared_bytes}, kernel, rounds, 0.5f, static_cast<float*>(never.get()));
    synchronize(device);
  };
  constexpr double long_enough = 0.005;  // beside the launch
  run();
  while (rounds < 1 << 28 && seconds_of(run) < std::min(long_enough, seconds / 4)) rounds *= 2;
  return best_rate(operations * rounds * threads * blocks, run, seconds, effort);
}

double best_device_copy(Device device, bool emulated, double seconds, const Effort& effort) {
  const int64_t bytes = int64_t{emulated ? 1 : 1024} << 20;  // far beyond the caches
  const auto from = allocate(bytes, device), to = allocate(bytes, device);
  zero_memory(from.get(), device, bytes);
  const auto copy = [&] {
    copy_memory(to.get(), device, from.get(), device, bytes);
    synchronize(device);
  };
  copy();
  return best_rate(2 * static_cast<double>(bytes), copy, seconds, effort);
}

}  // namespace

Peak measure_device_peak(Device device, double seconds, const Effort& effort) {
  const CudaTraits traits = cuda_traits(device.index);
#ifdef LACUNA_CUDA_EMULATED
  constexpr bool emulated = true;
  constexpr unsigned blocks_of_each = 1;
#else
  constexpr bool emulated = false;
  constexpr unsigned blocks_of_each = 8;
#endif
  const unsigned blocks = blocks_of_each * static_cast<unsigned>(traits.multiprocessors);
  constexpr double tile = 2.0 * 16 * 8 * 16 / 32;  // operations of one of the warp's 32 threads
  Peak peak{.threads = 0};
  peak.f32 = best_flops(device, multiply_add, 2.0 * chains, blocks, seconds, effort);
  if (traits.architecture >= 80) {
    peak.bf16_tiles = best_flops(device, multiply_tiles, tile * chains, blocks, seconds, effort);
  }
#ifdef LACUNA_SM90A
  if (traits.capability == 90) {
    constexpr double group_tile = 2.0 * group_rows * group_columns * 16 / 128;
    const double flops =
        best_flops(device, multiply_group_tiles, group_tile * chains, blocks, seconds, effort, group_shared_bytes);
    peak.bf16_tiles = std::max(peak.bf16_tiles, flops);
  }
#endif
  peak.copy = best_device_copy(device, emulated, seconds, effort);
  return peak;
}

}  // namespace lacuna::bench
