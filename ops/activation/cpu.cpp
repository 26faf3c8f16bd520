#include "ops/activation/functors.h"
#include "ops/activation/kernels.h"
#include "ops/launch.h"

namespace lacuna::kernels {

void elu(const CpuStream& stream, const Tensor& x, Tensor& y) {
  visit_float(x.dtype(), "elu", [&]<class T>(T) {
    for_each(stream, x.numel(), [x = x.data<T>(), y = y.data<T>()](int64_t i) { y[i] = functors::elu(x[i]); });
  });
}

void leaky_relu(const CpuStream& stream, const Tensor& x, double slope, Tensor& y) {
  visit_float(x.dtype(), "leaky_relu", [&]<class T>(T) {
    for_each(stream, x.numel(), [x = x.data<T>(), y = y.data<T>(), slope = static_cast<T>(slope)](int64_t i) {
      y[i] = functors::leaky_relu(x[i], slope);
    });
  });
}

void clip(const CpuStream& stream, const Tensor& x, double lo, double hi, Tensor& y) {
  visit_float(x.dtype(), "clip", [&]<class T>(T) {
    for_each(stream, x.numel(),
             [x = x.data<T>(), y = y.data<T>(), lo = static_cast<T>(lo), hi = static_cast<T>(hi)](int64_t i) {
               y[i] = functors::clip(x[i], lo, hi);
             });
  });
}

}  // namespace lacuna::kernels
