#pragma once

#include <cstdint>

namespace lacuna::kernels {

/// Column sums, compiled for one instruction set: sums[c] += x[r * stride + c] for r < rows in order, c < width.
/// Whatever the instruction set, the same additions in the same order.
template <class T>
using AddRows = void (*)(const T* x, int64_t rows, int64_t stride, int64_t width, double* sums);

extern const AddRows<float> add_rows_portable_f32, add_rows_avx2_f32, add_rows_avx512_f32;
extern const AddRows<double> add_rows_portable_f64, add_rows_avx2_f64, add_rows_avx512_f64;

}  // namespace lacuna::kernels
