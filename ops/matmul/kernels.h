#pragma once

#include <algorithm>

#include "ops/matmul/matmul.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

/// y (batch,M,N) = op(a) op(b); a and b are (batch,.,.) or (1,.,.), the latter shared by the whole batch.
void matmul(const CpuStream& stream, const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& y);
void matmul(const CudaStream& stream, const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& y);

/// Columns [0, n) of a k x n matrix with the given strides, rearranged into panels of `columns`, each k x columns and
/// zero-filled beyond n, so that a tile kernel reads them in order.
template <class T>
void pack_panels(const CpuStream& stream, const T* b, int64_t k, int64_t n, int64_t row_stride, int64_t column_stride,
                 int64_t columns, T* packed) {
  const int64_t panels = (n + columns - 1) / columns;
  parallel_for(stream, panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t first = p * columns, valid = std::min(columns, n - first);
      T* out = packed + p * k * columns;
      for (int64_t r = 0; r < k; ++r, out += columns) {
        const T* row = b + r * row_stride + first * column_stride;
        if (column_stride == 1) {
          std::copy_n(row, valid, out);
        } else {
          for (int64_t c = 0; c < valid; ++c) out[c] = row[c * column_stride];
        }
        for (int64_t c = valid; c < columns; ++c) out[c] = 0;
      }
    }
  });
}

}  // namespace lacuna::kernels
