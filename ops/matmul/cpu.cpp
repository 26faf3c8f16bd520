#include <algorithm>
#include <vector>

#include "ops/matmul/kernels.h"
#include "ops/matmul/tile.h"

namespace lacuna::kernels {
namespace {

constexpr int64_t depth_block = 1024;  // a panel of this depth stays in the second-level cache

template <class T>
struct Matrix {
  const T* data;
  int64_t row_stride, column_stride;
};

/// y (m x n, contiguous) = a (m x k) b (k x n).
template <class T>
void multiply(const CpuStream& stream, int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* y) {
  const TileKernels<T>& tile = tile_kernels<T>(n);
  const int64_t panels = (n + tile.columns - 1) / tile.columns;
  const int64_t depth = std::min(k, depth_block);
  Tensor packed({panels * depth * tile.columns}, dtype_of<T>());
  T* packed_b = packed.data<T>();
  std::fill_n(y, m * n, T{0});

  for (int64_t k0 = 0; k0 < k; k0 += depth_block) {
    const int64_t kb = std::min(depth_block, k - k0);
    pack_panels(stream, b.data + k0 * b.row_stride, kb, n, b.row_stride, b.column_stride, tile.columns, packed_b);
    parallel_for(stream, m, rows_per_task(tile.rows, kb * n), [&](int64_t begin, int64_t end) {
      alignas(64) T out[max_tile];
      const bool transposed = a.column_stride != 1;
      std::vector<const T*> left(static_cast<size_t>(transposed ? kb : tile.rows));
      for (int64_t i0 = begin; i0 < end; i0 += tile.rows) {
        const int64_t valid_rows = std::min(tile.rows, end - i0);
        const T* corner = a.data + i0 * a.row_stride + k0 * a.column_stride;
        if (!transposed) {
          for (int64_t i = 0; i < tile.rows; ++i) left[i] = corner + std::min(i, valid_rows - 1) * a.row_stride;
        } else {
          for (int64_t p = 0; p < kb; ++p) left[p] = corner + p * a.column_stride;
        }
        for (int64_t p = 0; p < panels; ++p) {
          const T* panel = packed_b + p * kb * tile.columns;
          if (transposed) {
            tile.by_columns(kb, left.data(), panel, out);
          } else {
            tile.by_rows(1, kb, left.data(), panel, out);
          }
          const int64_t j0 = p * tile.columns, valid_columns = std::min(tile.columns, n - j0);
          for (int64_t i = 0; i < valid_rows; ++i) {
            T* row = y + (i0 + i) * n + j0;
            for (int64_t j = 0; j < valid_columns; ++j) row[j] += out[i * tile.columns + j];
          }
        }
      }
    });
  }
}

}  // namespace

void matmul(const CpuStream& stream, const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& y) {
  const int64_t m = y.dim(1), n = y.dim(2), k = a.dim(options.transpose_a ? 1 : 2);
  visit_float(y.dtype(), "matmul", [&]<class T>(T) {
    const auto operand = [](const Tensor& t, int64_t index, bool transpose) {
      const int64_t rows = t.dim(1), columns = t.dim(2);
      const T* data = t.data<T>() + (t.dim(0) == 1 ? 0 : index) * rows * columns;
      return transpose ? Matrix<T>{data, 1, columns} : Matrix<T>{data, columns, 1};
    };
    for (int64_t s = 0; s < y.dim(0); ++s) {
      multiply(stream, m, n, k, operand(a, s, options.transpose_a), operand(b, s, options.transpose_b),
               y.data<T>() + s * m * n);
    }
  });
}

}  // namespace lacuna::kernels
