#include "ops/activation/functors.h"
#include "ops/activation/kernels.h"
#include "ops/launch.h"

namespace lacuna::kernels {

void elu(const CpuStream& stream, const Tensor& x, Tensor& y) {
  visit_float(x.dtype(), "elu", [&]<class T>(T) {
    for_each(stream, x.numel(), [x = x.data<T>(), y = y.data<T>()](int64_t i) { y[i] = functors::elu(x[i]); });
  });
}

void elu_grad(const CpuStream& stream, const Tensor& g, const Tensor& y, Tensor& dx) {
  visit_float(g.dtype(), "elu_grad", [&]<class T>(T) {
    for_each(stream, g.numel(), [g = g.data<T>(), y = y.data<T>(), dx = dx.data<T>()](int64_t i) {
      dx[i] = functors::elu_grad(g[i], y[i]);
    });
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

void gate(const CpuStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y) {
  visit_float(g.dtype(), "gate", [&]<class T>(T) {
    const T lo = static_cast<T>(gate.lo), hi = static_cast<T>(gate.hi);
    const T inside = static_cast<T>(gate.inside), outside = static_cast<T>(gate.outside);
    for_each(stream, g.numel(), [=, g = g.data<T>(), x = x.data<T>(), y = y.data<T>()](int64_t i) {
      y[i] = g[i] * (lo <= x[i] && x[i] <= hi ? inside : outside);
    });
  });
}

}  // namespace lacuna::kernels
