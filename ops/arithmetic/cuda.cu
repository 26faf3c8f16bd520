#include "ops/arithmetic/functors.h"
#include "ops/arithmetic/kernels.h"
#include "ops/broadcast/cuda_stretch.cuh"
#include "tensor/cuda_map.cuh"

namespace lacuna::kernels {
namespace {

template <class F>
void binary(const CudaStream& stream, const char* op, const Tensor& a, const Tensor& b, Tensor& y, F f) {
  const Stretch<2> stretch(y.shape(), {a.shape(), b.shape()});
  visit_float(y.dtype(), op, [&]<class T>(T) {
    if (a.numel() == y.numel() && b.numel() == y.numel()) {
      map_pairs(stream, y.numel(), f, a.data<T>(), b.data<T>(), y.data<T>());
    } else {
      map_stretched<T>(stream, stretch, f, {a.data<T>(), b.data<T>()}, y.data<T>());
    }
  });
}

}  // namespace

using Stream = CudaStream;
#include "ops/arithmetic/kernels.inc"
}  // namespace lacuna::kernels
