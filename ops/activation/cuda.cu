#include "ops/activation/functors.h"
#include "ops/activation/kernels.h"
#include "ops/broadcast/cuda_sums.cuh"

namespace lacuna::kernels {
using Stream = CudaStream;
#include "ops/activation/kernels.inc"

namespace {

template <class T>
functors::GateBy<T> functor_of(const Gate& gate) {
  return {static_cast<T>(gate.lo), static_cast<T>(gate.hi), static_cast<T>(gate.inside), static_cast<T>(gate.outside)};
}

/// y = f(a, b) for elements of type T, and its sums over all axes but the last.
template <class T, int size, class F>
void map_summed(const CudaStream& stream, const Tensor& a, const Tensor& b, F f, Tensor& y, Tensor& sums) {
  const int64_t channels = sums.numel();
  if (channels == 0) return;
  const MapPacks<T, size, F> source{f, a.data<T>(), b.data<T>(), y.data<T>()};
  const Fold fold{1, a.numel() / channels, channels};
  const int64_t parts = parts_of(fold);
  if (parts == 1) return column_sums(stream, fold, 1, source, sums.data<T>());
  Tensor partial({parts, channels}, DType::f64, a.device());
  column_sums(stream, fold, parts, source, partial.data<double>());
  fold_sums(stream, Fold{1, parts, channels}, 1, partial.data<double>(), sums.data<T>());
}

template <class T, class F>
void map_summed(const CudaStream& stream, const Tensor& a, const Tensor& b, F f, Tensor& y, Tensor& sums) {
  if (fits_packs<T>(sums.numel())) return map_summed<T, pack_size<T>>(stream, a, b, f, y, sums);
  map_summed<T, 1>(stream, a, b, f, y, sums);
}

}  // namespace

void elu_grad(const CudaStream& stream, const Tensor& g, const Tensor& y, Tensor& dx) {
  visit_float(g.dtype(), "elu_grad", [&]<class T>(T) {
    map_pairs(stream, g.numel(), functors::EluGrad{}, g.data<T>(), y.data<T>(), dx.data<T>());
  });
}

void gate(const CudaStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y) {
  visit_float(g.dtype(), "gate", [&]<class T>(T) {
    map_pairs(stream, g.numel(), functor_of<T>(gate), g.data<T>(), x.data<T>(), y.data<T>());
  });
}

void elu_grad_summed(const CudaStream& stream, const Tensor& g, const Tensor& y, Tensor& dx, Tensor& sums) {
  visit_float(g.dtype(), "elu_grad", [&]<class T>(T) { map_summed<T>(stream, g, y, functors::EluGrad{}, dx, sums); });
}

void gate_summed(const CudaStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y,
                 Tensor& sums) {
  visit_float(g.dtype(), "gate", [&]<class T>(T) { map_summed<T>(stream, g, x, functor_of<T>(gate), y, sums); });
}

}  // namespace lacuna::kernels
