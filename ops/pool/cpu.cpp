#include "ops/launch.h"
#include "ops/pool/functors.h"
#include "ops/pool/kernels.h"

namespace lacuna::kernels {
namespace {

functors::PoolShape pool_shape(const Tensor& x, const Tensor& y, const PoolOptions& options) {
  return {.height = x.dim(1),
          .width = x.dim(2),
          .channels = x.dim(3),
          .out_height = y.dim(1),
          .out_width = y.dim(2),
          .kernel = options.kernel,
          .stride = options.stride};
}

}  // namespace

void max_pool_index(const CpuStream& stream, const Tensor& x, const PoolOptions& options, Tensor& index) {
  visit_float(x.dtype(), "max_pool", [&]<class T>(T) {
    for_each(stream, index.numel(),
             functors::MaxPoolIndex<T>{x.data<T>(), pool_shape(x, index, options), index.data<int32_t>()});
  });
}

void max_pool(const CpuStream& stream, const Tensor& x, const Tensor& index, const PoolOptions& options, Tensor& y) {
  visit_float(x.dtype(), "max_pool", [&]<class T>(T) {
    for_each(stream, y.numel(),
             functors::MaxPool<T>{x.data<T>(), index.data<int32_t>(), pool_shape(x, y, options), y.data<T>()});
  });
}

void max_pool_adjoint(const CpuStream& stream, const Tensor& g, const Tensor& index, const PoolOptions& options,
                      Tensor& x) {
  visit_float(g.dtype(), "max_pool_adjoint", [&]<class T>(T) {
    for_each(stream, x.numel(),
             functors::MaxPoolAdjoint<T>{g.data<T>(), index.data<int32_t>(), pool_shape(x, g, options), x.data<T>()});
  });
}

void avg_pool(const CpuStream& stream, const Tensor& x, const PoolOptions& options, Tensor& y) {
  visit_float(x.dtype(), "avg_pool", [&]<class T>(T) {
    for_each(stream, y.numel(), functors::AvgPool<T>{x.data<T>(), pool_shape(x, y, options), y.data<T>()});
  });
}

void avg_pool_adjoint(const CpuStream& stream, const Tensor& g, const PoolOptions& options, Tensor& x) {
  visit_float(g.dtype(), "avg_pool_adjoint", [&]<class T>(T) {
    for_each(stream, x.numel(), functors::AvgPoolAdjoint<T>{g.data<T>(), pool_shape(x, g, options), x.data<T>()});
  });
}

}  // namespace lacuna::kernels
