#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

/// CUDA's language and run-time library as far as Lacuna speaks them, on the CPU: device code compiles with a C++
/// compiler, and a block's threads run in turns as fibers, from one barrier to the next. Slow and exact: it is there to
/// prove kernels where there is no GPU. Names and meanings are those of the CUDA C++ Programming Guide.
///
/// Stricter than a device: shared memory begins each block as NaN, asynchronous copies arrive at the wait and not
/// before, a barrier that not every thread reaches is an error, and LACUNA_EMULATOR_ORDER=reverse|shuffled runs the
/// threads in other orders, so that a missing barrier shows as another result.

#define __host__
#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __constant__ static const
/// A block's threads share an OS thread.
#define __shared__ static thread_local
#define __align__(n) __attribute__((aligned(n)))

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct uint3 {
  unsigned x, y, z;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace lacuna::emulator {

/// Where the running thread is in its launch.
struct Thread {
  uint3 index{}, block{};
  dim3 block_dim, grid_dim;
};
const Thread& self();

/// A copy to shared memory that arrives when it is waited for.
void copy_async(void* to, const void* from, size_t bytes, size_t valid_bytes);
void copy_async_commit();
void copy_async_wait(int groups_left);

/// wgmma.mma_async for this thread: its elements of c (64 x columns) += A (64 x 16) B (16 x columns) in bf16, of
/// operands that the PTX ISA's matrix descriptors find in shared memory. Done when it is waited for; an operand that is
/// overwritten before is an error.
void warpgroup_multiply(float* c, int columns, uint64_t a, bool a_transposed, uint64_t b, bool b_transposed);
void warpgroup_wait();

void block_barrier();
void warp_barrier();
/// Every lane of the warp gives `bytes` of its own and sees those of all 32, `bytes` apart, until the next exchange.
const unsigned char* warp_exchange(const void* own, size_t bytes);
unsigned char* dynamic_shared();

/// Runs body as every thread of the grid, now, or when the graph being captured on the stream is launched.
void launch(dim3 grid, dim3 block, size_t shared_bytes, void* stream, std::function<void()> body);

}  // namespace lacuna::emulator

#define threadIdx (::lacuna::emulator::self().index)
#define blockIdx (::lacuna::emulator::self().block)
#define blockDim (::lacuna::emulator::self().block_dim)
#define gridDim (::lacuna::emulator::self().grid_dim)
constexpr int warpSize = 32;

inline void __syncthreads() { lacuna::emulator::block_barrier(); }
inline void __syncwarp(unsigned = ~0u) { lacuna::emulator::warp_barrier(); }

namespace lacuna::emulator {
inline unsigned lane() {
  const Thread& t = self();
  return (t.index.x + t.block_dim.x * (t.index.y + t.block_dim.y * t.index.z)) % 32;
}
template <class T>
T of_lane(T own, unsigned from) {
  T value;
  std::memcpy(&value, warp_exchange(&own, sizeof(T)) + from * sizeof(T), sizeof(T));
  return value;
}
}  // namespace lacuna::emulator

template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  return lacuna::emulator::of_lane(value, static_cast<unsigned>(lane) % 32);
}
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return lacuna::emulator::of_lane(value, lacuna::emulator::lane() ^ static_cast<unsigned>(mask));
}
template <class T>
T __shfl_down_sync(unsigned, T value, unsigned delta) {
  const unsigned lane = lacuna::emulator::lane();
  return lacuna::emulator::of_lane(value, lane + delta < 32 ? lane + delta : lane);
}

template <class T>
T __ldg(const T* p) {
  return *p;
}
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }

// The run-time library.

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorNoDevice = 100,
  cudaErrorLaunchFailure = 719,
  cudaErrorNotReady = 600
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal,
  cudaStreamCaptureModeThreadLocal,
  cudaStreamCaptureModeRelaxed
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;

using cudaStream_t = struct CUstream_st*;
using cudaEvent_t = struct CUevent_st*;
using cudaGraph_t = struct CUgraph_st*;
using cudaGraphExec_t = struct CUgraphExec_st*;

struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
  size_t totalGlobalMem, sharedMemPerBlockOptin;
};

const char* cudaGetErrorString(cudaError_t status);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaMemGetInfo(size_t* free, size_t* total);
cudaError_t cudaMalloc(void** p, size_t bytes);
template <class T>
cudaError_t cudaMalloc(T** p, size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(p), bytes);
}
cudaError_t cudaFree(void* p);
cudaError_t cudaMallocHost(void** p, size_t bytes);
cudaError_t cudaFreeHost(void* p);
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream = nullptr);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* plan, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t plan, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t plan);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaEventDestroy(cudaEvent_t event);
template <class F>
cudaError_t cudaFuncSetAttribute(F, cudaFuncAttribute, int) {
  return cudaSuccess;
}
struct cudaFuncAttributes {
  int ptxVersion;
};
template <class F>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, F) {
  *attributes = {90};
  return cudaSuccess;
}
