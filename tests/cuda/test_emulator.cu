#ifdef LACUNA_CUDA_EMULATED

#include "ops/matmul/wgmma.cuh"
#include "tests/cuda/same_on_device.cuh"
#include "tests/support/compare.h"

// That the emulator is as strict as it says.
namespace lacuna::test {
namespace {

__global__ void reverse_in_shared(const int* x, int* y) {
  __shared__ int all[96];
  all[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = all[95 - threadIdx.x];
}

__global__ void sums_of_warps(const int* x, int* y) {
  int v = x[threadIdx.x];
  for (int step = 16; step > 0; step /= 2) v += __shfl_xor_sync(~0u, v, step);
  y[threadIdx.x] = v + __shfl_down_sync(~0u, x[threadIdx.x], 1) + 1000 * __shfl_sync(~0u, x[threadIdx.x], 3);
}

__global__ void half_a_barrier(int* y) {
  if (threadIdx.x < 16) {
    __syncwarp();
  } else {
    __syncthreads();
  }
  y[threadIdx.x] = 1;
}

__global__ void copies(const float* x, float* before, float* after) {
  LACUNA_DYNAMIC_SHARED(bytes);
  float* own = reinterpret_cast<float*>(bytes) + 4 * threadIdx.x;
  emulator::copy_async(own, x + 4 * threadIdx.x, 16, 8);
  emulator::copy_async_commit();
  before[threadIdx.x] = own[0];
  emulator::copy_async_wait(0);
  for (int k = 0; k < 4; ++k) after[4 * threadIdx.x + k] = own[k];
}

/// Overwrites an operand while the product is under way.
__global__ void overwrite_operand(float* y) {
  LACUNA_DYNAMIC_SHARED(shared);
  for (int i = static_cast<int>(threadIdx.x); i < 8192; i += 128) reinterpret_cast<bf16*>(shared)[i] = bf16(1.0f);
  __syncthreads();
  float sums[1][8][4] = {};
  const auto operand = warpgroup::Operand::at<128>(shared, 0, 8192);
  warpgroup::multiply<64, false, false>(sums[0], operand, operand);
  warpgroup::commit();
  reinterpret_cast<bf16*>(shared)[threadIdx.x] = bf16(2.0f);
  warpgroup::wait(sums);
  y[threadIdx.x] = sums[0][0][0];
}

std::vector<int> counted(int n) {
  std::vector<int> x(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) x[static_cast<size_t>(i)] = i;
  return x;
}

const CudaStream stream{.op = "test"};

}  // namespace

TEST_CASE("emulator: barriers and shared memory") {
  DeviceArray<int> x(counted(96)), y(std::vector<int>(96));
  launch(stream, {1, 96}, reverse_in_shared, x.data(), y.data());
  std::vector<int> expected = counted(96);
  std::reverse(expected.begin(), expected.end());
  CHECK(y.to_host("test") == expected);
}

TEST_CASE("emulator: shuffles stay within a warp") {
  DeviceArray<int> x(counted(64)), y(std::vector<int>(64));
  launch(stream, {1, 64}, sums_of_warps, x.data(), y.data());
  const std::vector<int> values = y.to_host("test");
  CHECK(values[0] == 496 + 1 + 3000);
  CHECK(values[31] == 496 + 31 + 3000);
  CHECK(values[40] == 1520 + 41 + 35000);
}

TEST_CASE("emulator: a barrier that some threads miss is an error") {
  DeviceArray<int> y(std::vector<int>(32));
  CHECK(error_of([&] {
          launch(stream, {1, 32}, half_a_barrier, y.data());
        }) == "[test] CUDA: a barrier that not every thread reaches");
  launch(stream, {1, 32}, sums_of_warps, y.data(), y.data());  // the next kernel runs
}

TEST_CASE("emulator: asynchronous copies arrive when they are waited for") {
  const std::vector<float> values(32, 7.0f);
  DeviceArray<float> x(values), before(std::vector<float>(8)), after(std::vector<float>(32));
  launch(stream, {1, 8, 128}, copies, x.data(), before.data(), after.data());
  for (const float v : before.to_host("test")) CHECK(std::isnan(v));
  const std::vector<float> arrived = after.to_host("test");
  for (size_t i = 0; i < arrived.size(); ++i) CHECK(arrived[i] == (i % 4 < 2 ? 7.0f : 0.0f));
}

TEST_CASE("emulator: an operand that is overwritten during a warpgroup's product is an error") {
  DeviceArray<float> y(std::vector<float>(128));
  CHECK(error_of([&] {
          launch(stream, {1, 128, 16384}, overwrite_operand, y.data());
        }) == "[test] CUDA: an operand of a warpgroup's product was overwritten before it was done");
}

TEST_CASE("emulator: a captured stream does its work when the graph is launched") {
  cudaStream_t own = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&own, cudaStreamNonBlocking), "test");
  DeviceArray<int> x(counted(96)), y(std::vector<int>(96));
  check_cuda(cudaStreamBeginCapture(own, cudaStreamCaptureModeThreadLocal), "test");
  launch({.handle = own, .op = "test"}, {1, 96}, reverse_in_shared, x.data(), y.data());
  CHECK(cudaStreamSynchronize(own) != cudaSuccess);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t plan = nullptr;
  check_cuda(cudaStreamEndCapture(own, &graph), "test");
  check_cuda(cudaGraphInstantiate(&plan, graph), "test");
  CHECK(y.to_host("test") == std::vector<int>(96));
  check_cuda(cudaGraphLaunch(plan, own), "test");
  CHECK(y.to_host("test")[0] == 95);
  check_cuda(cudaGraphExecDestroy(plan), "test");
  check_cuda(cudaGraphDestroy(graph), "test");
  check_cuda(cudaStreamDestroy(own), "test");
}

}  // namespace lacuna::test

#endif
