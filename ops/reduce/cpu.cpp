#include <algorithm>

#include "ops/reduce/functors.h"
#include "ops/reduce/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "ops/reduce/kernels.inc"

void argmax(const CpuStream& stream, const Tensor& x, int axis, Tensor& index) {
  const int64_t n = x.dim(axis), stride = lines_of(x.shape(), axis).stride.divisor();
  visit_float(x.dtype(), "argmax", [&]<class T>(T) {
    const T* px = x.data<T>();
    int32_t* pi = index.data<int32_t>();
    parallel_for(stream, index.numel(), std::max<int64_t>(1, (1 << 14) / n), [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        pi[i] = functors::argmax(px + i / stride * n * stride + i % stride, n, stride);
    });
  });
}

}  // namespace lacuna::kernels
