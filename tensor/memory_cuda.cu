#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/cuda.h"
#include "tensor/cuda_faults.h"
#include "tensor/cuda_staging.h"
#include "tensor/device_pool.h"
#include "tensor/memory_cuda.h"

namespace lacuna {
namespace {

constexpr int64_t red_zone = 512;  // bytes on either side of a checked block
constexpr int red = 0xA5, poison = 0xFF;

thread_local std::shared_ptr<DevicePool> pool_in_use;  // instead of the device's own
thread_local bool recording_now = false;

/// LACUNA_CUDA_POOL=off: every block is the system's own, so that compute-sanitizer sees where it ends and what of it
/// was never written.
bool pooled() {
  static const bool on = [] {
    const char* setting = std::getenv("LACUNA_CUDA_POOL");
    return !setting || std::string_view(setting) != "off";
  }();
  return on;
}

void* new_segment(int64_t bytes) {
  void* segment = nullptr;
  if (cudaMalloc(&segment, static_cast<size_t>(bytes)) == cudaSuccess) return segment;
  cudaGetLastError();  // forgets it: the pool goes on without
  return nullptr;
}

struct FoundDevices {
  int count = 0;
  cudaError_t status = cudaSuccess;
};

const FoundDevices& found_devices() {
  static const FoundDevices found = [] {
    FoundDevices asked;
    asked.status = cudaGetDeviceCount(&asked.count);
    if (asked.status == cudaSuccess) return asked;
    cudaGetLastError();  // no driver, one that is too old, or no device
    asked.count = 0;
    return asked;
  }();
  return found;
}

__global__ void any_kernel() {}

CudaTraits read_traits(int index) {
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    check_cuda(cudaDeviceGetAttribute(&value, which, index), "cuda");
    return value;
  };
  CudaTraits traits{
      .multiprocessors = attribute(cudaDevAttrMultiProcessorCount),
      .capability = 10 * attribute(cudaDevAttrComputeCapabilityMajor) + attribute(cudaDevAttrComputeCapabilityMinor)};
  // All kernels are compiled for the same architectures.
  cudaFuncAttributes of_kernel{};
  if (cudaFuncGetAttributes(&of_kernel, any_kernel) == cudaSuccess) {
    traits.architecture = of_kernel.ptxVersion;
  } else {
    cudaGetLastError();  // no image that the device could run
  }
  return traits;
}

/// A device's stream and memory. Never destroyed: tensors in static storage outlive everything else.
struct DeviceState {
  explicit DeviceState(int index) {
    check_cuda(cudaSetDevice(index), "cuda");
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cuda");
    check_cuda(cudaMallocHost(reinterpret_cast<void**>(&fault), sizeof(IndexFault)), "cuda");
    *fault = {};
    traits = read_traits(index);
    pool = std::make_shared<DevicePool>(new_segment, [this](void* segment) { free_segment(segment); });
  }

  /// Waits for the stream; throws if a kernel failed or noted a fault.
  void wait(const char* op) const {
    check_cuda(cudaStreamSynchronize(stream), op);
    if (!fault->op) return;
    const IndexFault found = std::exchange(*fault, {});
    fail("[", found.op, "] index ", found.index, " lies outside the ", found.rows, " rows");
  }

  void free_segment(void* segment) {
    const std::lock_guard lock(mutex);
    freed.push_back(segment);
    if (recording_now) return;  // the stream cannot be waited for: later, with the next one
    cudaStreamSynchronize(stream);
    for (void* one : std::exchange(freed, {})) cudaFree(one);
  }

  /// The most in use of all other pools.
  int64_t in_other_pools() {
    const std::lock_guard lock(mutex);
    int64_t bytes = 0;
    for (const auto& other : others) {
      if (const auto alive = other.lock()) bytes += alive->stats().peak;
    }
    return bytes;
  }

  cudaStream_t stream = nullptr;
  cuda::Staging staging;
  IndexFault* fault = nullptr;
  CudaTraits traits;
  std::shared_ptr<DevicePool> pool;
  std::mutex mutex;
  std::vector<std::weak_ptr<DevicePool>> others;
  std::vector<void*> freed;
  int64_t earlier_peak = 0;  // before there were as many of them
};

std::vector<DeviceState*>& states() {
  static auto* all = new std::vector<DeviceState*>(static_cast<size_t>(cuda_device_count()), nullptr);
  return *all;
}

DeviceState& state(int index) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::vector<DeviceState*>& all = states();
  check(index >= 0 && index < static_cast<int>(all.size()), "[cuda] there is no device cuda:", index,
        "; CUDA devices here: ", all.size());
  DeviceState*& one = all[static_cast<size_t>(index)];
  if (!one) one = new DeviceState(index);
  check_cuda(cudaSetDevice(index), "cuda");
  return *one;
}

}  // namespace

int cuda_device_count() { return found_devices().count; }

std::string detail::cuda_status() { return cudaGetErrorString(found_devices().status); }

CudaTraits cuda_traits(int index) { return state(index).traits; }

IndexFault* index_fault(Device device) { return state(device.index).fault; }

CudaStream cuda_stream(Device device, const char* op) {
  return {state(device.index).stream, precision(), op, device.index};
}

void synchronize(Device device) {
  if (device.kind == Device::Kind::cuda && !recording_now) state(device.index).wait("cuda");
}

namespace cuda {
namespace {

std::shared_ptr<void> allocate_unpooled(int64_t bytes, DeviceState& device) {
  auto* block = static_cast<unsigned char*>(new_segment(bytes + readable_slack));
  if (!block) fail("[memory] out of memory: cannot allocate ", bytes, " bytes");
  check_cuda(cudaMemsetAsync(block + bytes, 0, static_cast<size_t>(readable_slack), device.stream), "memory");
  return {block, [&device](void* p) { device.free_segment(p); }};
}

}  // namespace

std::shared_ptr<void> allocate(int64_t bytes, int index, bool checked) {
  DeviceState& device = state(index);
  if (!pooled() && !pool_in_use && !checked) return allocate_unpooled(bytes, device);
  const std::shared_ptr<DevicePool> pool = pool_in_use ? pool_in_use : device.pool;
  const int64_t fence = checked ? red_zone : 0;
  auto* base = static_cast<unsigned char*>(pool->take(bytes + 2 * fence + readable_slack));
  if (!base) fail("[memory] out of memory: cannot allocate ", bytes, " bytes on cuda:", index);
  if (!checked) return {base, [pool](void* p) { pool->give(p); }};
  unsigned char* data = base + fence;
  cudaMemsetAsync(base, red, static_cast<size_t>(bytes + 2 * fence), device.stream);
  check_cuda(cudaMemsetAsync(data, poison, static_cast<size_t>(bytes), device.stream), "memory");
  return {data, [=, stream = device.stream, recorded = recording_now](void*) {
            if (recorded || recording_now) return pool->give(base);  // what is to be looked at is written at launch
            for (const unsigned char* zone : {base, data + bytes}) {
              std::array<unsigned char, red_zone> bytes_of_zone{};
              cudaMemcpyAsync(bytes_of_zone.data(), zone, red_zone, cudaMemcpyDeviceToHost, stream);
              cudaStreamSynchronize(stream);
              const auto untouched = [](unsigned char c) { return c == red; };
              if (!std::all_of(bytes_of_zone.begin(), bytes_of_zone.end(), untouched))
                lacuna::detail::report_damaged_block();
            }
            pool->give(base);
          }};
}

void copy(void* to, Device to_device, const void* from, Device from_device, int64_t bytes) {
  const bool to_cpu = to_device.kind == Device::Kind::cpu, from_cpu = from_device.kind == Device::Kind::cpu;
  check(!recording_now || !(to_cpu || from_cpu),
        "[plan] a function that copies from or to the host cannot be recorded");
  const bool across = !to_cpu && !from_cpu && to_device.index != from_device.index;
  if (across) synchronize(from_device);
  DeviceState& device = state(to_cpu ? from_device.index : to_device.index);
  if (from_cpu && !to_cpu) return device.staging.upload(device.stream, to, from, bytes);
  check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, device.stream), "copy");
  if (to_cpu || across) device.wait("copy");
}

void zero(void* p, Device device, int64_t bytes) {
  check_cuda(cudaMemsetAsync(p, 0, static_cast<size_t>(bytes), state(device.index).stream), "zeros");
}

MemoryStats memory_stats(int index) {
  DeviceState& device = state(index);
  MemoryStats stats = device.pool->stats();
  const int64_t others = device.in_other_pools();
  stats.in_use += others;
  stats.peak = std::max(device.earlier_peak, stats.peak + others);
  return stats;
}

void reset_peak_memory(int index) {
  DeviceState& device = state(index);
  device.earlier_peak = 0;
  device.pool->reset_peak();
}

std::shared_ptr<DevicePool> make_pool(int index) {
  DeviceState& device = state(index);
  device.earlier_peak = memory_stats(index).peak;
  device.pool->reset_peak();
  const auto take = [&device](int64_t bytes) {
    void* segment = new_segment(bytes);
    if (segment || recording_now) return segment;
    device.pool->release();
    return new_segment(bytes);
  };
  const auto give = [&device](void* segment) { device.free_segment(segment); };
  auto pool = std::make_shared<DevicePool>(take, give, true);
  const std::lock_guard lock(device.mutex);
  device.others.emplace_back(pool);
  return pool;
}

UsePool::UsePool(std::shared_ptr<DevicePool> pool) : outer_(std::exchange(pool_in_use, std::move(pool))) {}
UsePool::~UsePool() { pool_in_use = std::move(outer_); }

Recording::Recording() { recording_now = true; }
Recording::~Recording() { recording_now = false; }

void release_cached_memory() {
  for (DeviceState* device : states()) {
    if (device) device->pool->release();
  }
}

}  // namespace cuda
}  // namespace lacuna
