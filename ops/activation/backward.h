#pragma once

#include <cstdint>

#include "ops/activation/activation.h"

namespace lacuna::kernels {

/// Cotangents through activations, compiled for one instruction set: in each of `rows` rows of `width` elements, dx =
/// elu_grad(g, y) (or g gated by y). Unless sums is null, sums[c] += dx[r * width + c] as well.
template <class T>
struct BackwardLoops {
  void (*elu)(const T* g, const T* y, int64_t rows, int64_t width, T* dx, double* sums);
  void (*gate)(const T* g, const T* y, const Gate& gate, int64_t rows, int64_t width, T* dx, double* sums);
};

extern const BackwardLoops<float> backward_portable_f32, backward_avx2_f32, backward_avx512_f32;
extern const BackwardLoops<double> backward_portable_f64, backward_avx2_f64, backward_avx512_f64;

}  // namespace lacuna::kernels
