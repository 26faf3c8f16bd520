#include <algorithm>

#include "ops/launch.h"
#include "ops/reduce/functors.h"
#include "ops/reduce/kernels.h"

namespace lacuna::kernels {
namespace {

/// Elements between neighbours along `axis`.
int64_t stride_of(const Shape& shape, int axis) {
  int64_t stride = 1;
  for (int after = axis + 1; after < shape.rank(); ++after) stride *= shape[after];
  return stride;
}

}  // namespace

void argmax(const CpuStream& stream, const Tensor& x, int axis, Tensor& index) {
  const int64_t n = x.dim(axis), stride = stride_of(x.shape(), axis);
  visit_float(x.dtype(), "argmax", [&]<class T>(T) {
    const T* px = x.data<T>();
    int32_t* pi = index.data<int32_t>();
    parallel_for(stream, index.numel(), std::max<int64_t>(1, (1 << 14) / n), [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        pi[i] = functors::argmax(px + i / stride * n * stride + i % stride, n, stride);
    });
  });
}

void pick(const CpuStream& stream, const Tensor& x, const Tensor& index, int axis, Tensor& y) {
  const int64_t n = x.dim(axis), stride = stride_of(x.shape(), axis);
  visit_float(x.dtype(), "max", [&]<class T>(T) {
    for_each(stream, y.numel(), [=, x = x.data<T>(), index = index.data<int32_t>(), y = y.data<T>()](int64_t i) {
      y[i] = x[(i / stride * n + index[i]) * stride + i % stride];
    });
  });
}

void one_hot(const CpuStream& stream, const Tensor& index, int axis, Tensor& y) {
  const int64_t n = y.dim(axis), stride = stride_of(y.shape(), axis);
  visit_float(y.dtype(), "max", [&]<class T>(T) {
    for_each(stream, y.numel(), [=, index = index.data<int32_t>(), y = y.data<T>()](int64_t i) {
      const int64_t position = i / stride % n, line = i / stride / n * stride + i % stride;
      y[i] = position == index[line] ? T(1) : T(0);
    });
  });
}

}  // namespace lacuna::kernels
