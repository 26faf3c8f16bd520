#pragma once

#include "ops/activation/functors.h"
#include "ops/matmul/gemm.h"
#include "tensor/cuda.h"

namespace lacuna::kernels::gemm {

template <class T>
__device__ T curved(T x, Curve curve, T slope) {
  switch (curve) {
    case Curve::elu:
      return functors::elu(x);
    case Curve::leaky:
      return functors::leaky_relu(x, slope);
    case Curve::clip:
      return functors::clip(x, T(-1), T(1));
    default:
      return x;
  }
}

__device__ inline void write4(float* p, const float (&v)[4]) {
  *reinterpret_cast<float4*>(p) = make_float4(v[0], v[1], v[2], v[3]);
}
__device__ inline void write4(double* p, const double (&v)[4]) {
  reinterpret_cast<double2*>(p)[0] = make_double2(v[0], v[1]);
  reinterpret_cast<double2*>(p)[1] = make_double2(v[2], v[3]);
}

/// Four neighbours of a row of sums: bias, curve, and to where they belong.
template <class T, class Operand>
__device__ void finish4(const Problem<T, Operand>& problem, const Part& part, T* y, int row, int column, T (&v)[4]) {
  const int left = problem.n - column;
  const int64_t line = row < part.rows ? part.y.pixel(row) : -1;
  if (line < 0 || left <= 0) return;
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    if (problem.bias && e < left) v[e] += __ldg(problem.bias + column + e);
    v[e] = curved(v[e], problem.curve, problem.slope);
  }
  T* to = y + line * problem.n + column;
  if (problem.n % 4 == 0) {
    write4(to, v);
  } else {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      if (e < left) to[e] = v[e];
    }
  }
}

}  // namespace lacuna::kernels::gemm
