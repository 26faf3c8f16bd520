#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <utility>

#include "tensor/check.h"
#include "tensor/device.h"
#include "tensor/trace.h"

namespace lacuna {

/// Arithmetic of matrix products and convolutions on f32 data, from most to least exact:
/// highest: f32 throughout. high: operands split into two bf16 terms, three products, f32 sums. medium: bf16 operands,
/// f32 sums. A device without the faster units computes at no lower precision than named.
enum class Precision : uint8_t { highest, high, medium };

/// The execution context a CPU kernel is called with.
struct CpuStream {
  int threads = 1;
  Precision precision = Precision::highest;
};

}  // namespace lacuna
struct CUstream_st;
namespace lacuna {

/// The execution context a CUDA kernel is called with: work on one stream runs in order, after the call has returned.
struct CudaStream {
  CUstream_st* handle = nullptr;  ///< a cudaStream_t; null is the device's default stream
  Precision precision = Precision::highest;
  const char* op = "cuda";  ///< for messages
  int device = 0;           ///< its index
};

/// The process-wide settings behind every stream. Threads default to the cores at hand (or OMP_NUM_THREADS). Results
/// have the same bits for any number of threads.
void set_num_threads(int threads);
int num_threads();
void set_precision(Precision precision);
Precision precision();

/// Sets the precision while it lives.
class WithPrecision {
 public:
  explicit WithPrecision(Precision wanted) : before_(precision()) { set_precision(wanted); }
  ~WithPrecision() { set_precision(before_); }
  WithPrecision(const WithPrecision&) = delete;
  WithPrecision& operator=(const WithPrecision&) = delete;

 private:
  Precision before_;
};

/// Calls body(begin, end) for consecutive blocks of [0, n), each of `grain` items but the last; blocks run on the
/// stream's threads in no fixed order. Block borders depend on n and grain alone, so a reduction over blocks is
/// reproducible. Subnormal numbers are zeros in them.
void parallel_for(const CpuStream& stream, int64_t n, int64_t grain,
                  const std::function<void(int64_t begin, int64_t end)>& body);

namespace detail {
/// Lets this thread touch the elements of tensors on a device, for as long as it lives.
class KernelDevice {
 public:
  explicit KernelDevice(Device device) : outer_(kernel_device) { kernel_device = device; }
  ~KernelDevice() { kernel_device = outer_; }
  KernelDevice(const KernelDevice&) = delete;
  KernelDevice& operator=(const KernelDevice&) = delete;

 private:
  Device outer_;
};

/// While it lives, this thread takes numbers below the normal ones (2^-126 in f32) for zero, operands and results,
/// where the processor can: many compute a hundred times more slowly with them, and a softmax makes many.
class FlushSubnormals {
 public:
  FlushSubnormals();
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  uint64_t outer_;  // the processor's control register
};
}  // namespace detail

/// The stream that all kernels of a CUDA device are put on. Throws Error where there is no such device.
CudaStream cuda_stream(Device device, const char* op = "cuda");
/// Waits for all work on a device; throws Error if a kernel failed.
void synchronize(Device device);

/// Calls f with the stream of `device`: the whole dispatcher between backends. `where` is for the trace.
template <class F>
void on(Device device, F&& f, const std::source_location& where = std::source_location::current()) {
  const TraceKernel kernel(where);
  const detail::KernelDevice scope(device);
#ifdef LACUNA_CUDA
  if (device.kind == Device::Kind::cuda) {
    CudaStream stream = cuda_stream(device, where.function_name());
    std::forward<F>(f)(stream);
    if (tracing()) synchronize(device);  // so that the event lasts as long as the kernel
    return;
  }
#endif
  check(device.kind == Device::Kind::cpu, "[stream] this program was built without CUDA and has no kernels for ",
        device);
  const detail::FlushSubnormals flush;
  CpuStream stream{num_threads(), precision()};
  std::forward<F>(f)(stream);
}

}  // namespace lacuna
