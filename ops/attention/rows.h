#pragma once

#include <cstdint>

#include "ops/pointwise/functors.h"

namespace lacuna::kernels::attention {

/// A mask of one bit pattern per element: all ones or zeros.
template <class T>
using Bits = typename functors::ExpTraits<T>::Bits;

/// Elements beyond its end that a row must have, to be read, not written.
constexpr int64_t row_slack = 16;

/// The loops over one row of the matrix between positions, for one instruction set. Rows named x are `count` taps whose
/// pointers are already shifted; y may not overlap them.
template <class T>
struct RowLoops {
  /// y[j] = sum over taps of x[tap][j], for j < n.
  void (*sum)(const T* const* x, int64_t count, int64_t n, T* y);
  /// y[j] = scale[j] * sum over taps of x[tap][j] where masks[tap][j] is set.
  void (*masked_sum)(const T* const* x, const Bits<T>* const* masks, int64_t count, const T* scale, int64_t n, T* y);
  /// y[j] = scale[j] * sum over taps of x[tap][j]; returns the largest.
  T (*logits)(const T* const* x, int64_t count, const T* scale, int64_t n, T* y);
  /// y[j] = exp(y[j] - largest); returns their sum.
  double (*exponentials)(T largest, int64_t n, T* y);
  /// a[R * (w + 1) + C] = e[R * w + C] * factor * m[R * w + C] for R < h, C < w, and zeros beside them and for
  /// another w + 1 beyond; returns the first j of the largest. Up to row_slack more are written. e and m are
  /// zero beyond the end.
  int64_t (*weights)(const T* e, T factor, const T* m, int64_t h, int64_t w, T* a);
  /// sum of a[j] * b[j]
  double (*dot)(const T* a, const T* b, int64_t n);
  /// y[j] = scale * a[j] * (g[j] - mean)
  void (*through_softmax)(const T* a, const T* g, T mean, T scale, int64_t n, T* y);
  /// y[j] += sum over rows r < count of a[r][j] * b[r][j]
  void (*add_products)(const T* const* a, const T* const* b, int64_t count, int64_t n, T* y);
};

/// Those of cpu_level().
template <class T>
const RowLoops<T>& row_loops();

extern const RowLoops<float> row_loops_portable_f32, row_loops_avx2_f32, row_loops_avx512_f32;
extern const RowLoops<double> row_loops_portable_f64, row_loops_avx2_f64, row_loops_avx512_f64;

}  // namespace lacuna::kernels::attention
