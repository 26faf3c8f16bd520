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

/// The process-wide settings behind every stream. Threads default to the cores at hand (or OMP_NUM_THREADS). Results
/// have the same bits for any number of threads.
void set_num_threads(int threads);
int num_threads();
void set_precision(Precision precision);
Precision precision();

/// Calls body(begin, end) for consecutive blocks of [0, n), each of `grain` items but the last; blocks run on the
/// stream's threads in no fixed order. Block borders depend on n and grain alone, so a reduction over blocks is
/// reproducible.
void parallel_for(const CpuStream& stream, int64_t n, int64_t grain,
                  const std::function<void(int64_t begin, int64_t end)>& body);

/// Calls f with the stream of `device`: the whole dispatcher between backends. `where` is for the trace.
template <class F>
void on(Device device, F&& f, const std::source_location& where = std::source_location::current()) {
  check(device.kind == Device::Kind::cpu, "[stream] this build has no kernels for ", device);
  CpuStream stream{num_threads(), precision()};
  const TraceKernel kernel(where);
  std::forward<F>(f)(stream);
}

}  // namespace lacuna
