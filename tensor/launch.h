#pragma once

#include <algorithm>

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna {

/// Runs a functor for every index in [0, n): the one way that pointwise and index kernels are launched. The functor is
/// host+device code and may write only what belongs to its index.
template <class F>
void for_each(const CpuStream& stream, int64_t n, F f) {
  parallel_for(stream, n, 1 << 14, [&](int64_t begin, int64_t end) {
    const F local = f;  // a copy on the stack, which the compiler knows nobody else writes
    for (int64_t i = begin; i < end; ++i) local(i);
  });
}

/// y[i] = f(x[i]) for n elements; f is host+device code.
template <class F, class T>
void map_elements(const CpuStream& stream, int64_t n, F f, const T* x, T* y) {
  for_each(stream, n, [f, x, y](int64_t i) { y[i] = f(x[i]); });
}

}  // namespace lacuna
