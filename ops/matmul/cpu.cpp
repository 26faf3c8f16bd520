#include <algorithm>
#include <vector>

#include "ops/matmul/bf16.h"
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

/// y += the rows [begin, end) of a b, for `kb` of the depth: a's rows are read where they lie.
template <class T>
void add_rows(const Matrix<T>& a, int64_t begin, int64_t end, int64_t kb, int64_t n, const T* panels, T* y) {
  const TileKernels<T>& tile = tile_kernels<T>(n);
  alignas(64) T out[max_tile];
  const T* left[max_tile];
  T* targets[max_tile];
  for (int64_t i0 = begin; i0 < end; i0 += tile.rows) {
    const int64_t valid_rows = std::min(tile.rows, end - i0);
    for (int64_t i = 0; i < tile.rows; ++i) left[i] = a.data + (i0 + std::min(i, valid_rows - 1)) * a.row_stride;
    for (int64_t j = 0; j < n; j += tile.columns) {
      tile.by_rows(1, kb, left, panels + j * kb, out);
      for (int64_t i = 0; i < valid_rows; ++i) targets[i] = y + (i0 + i) * n + j;
      tile_level<T>().finish({.add = true}, out, tile.columns, valid_rows, std::min(tile.columns, n - j), targets);
    }
  }
}

/// The same for a transposed a, whose columns are copied side by side: where they lie, their distances would make them
/// drive each other out of the cache.
template <class T>
void add_columns(const Matrix<T>& a, int64_t begin, int64_t end, int64_t kb, int64_t n, const T* panels, T* y) {
  const TileKernels<T>& tile = tile_kernels<T>(n);
  const TileLevel<T>& level = tile_level<T>();
  const int64_t vectors = tile.columns / level.lanes, most = level.outer_rows(vectors);
  const int64_t groups = (end - begin + most - 1) / most, at_once = (end - begin + groups - 1) / groups;
  const int64_t group_size = kb * at_once + level.lanes;  // with room for the last vector
  Tensor copy({groups * group_size}, dtype_of<T>());
  T* copied = copy.data<T>();
  std::vector<int32_t> left, right;
  for (int64_t k = 0; k < kb; ++k) {
    left.push_back(static_cast<int32_t>(k * at_once));
    right.push_back(static_cast<int32_t>(k * tile.columns));
  }
  constexpr int64_t some = 64;  // rows, of whose lines the next group finds the rest in the cache
  for (int64_t k0 = 0; k0 < kb; k0 += some) {
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = begin + group * at_once, count = std::min(at_once, end - first);
      const T* from = a.data + k0 * a.column_stride + first;
      T* to = copied + group * group_size + k0 * at_once;
      const int64_t rows = std::min(some, kb - k0);
      if (first + (count + level.lanes - 1) / level.lanes * level.lanes <= a.column_stride) {
        level.copy(from, a.column_stride, rows, count, to, at_once);
      } else {
        for (int64_t k = 0; k < rows; ++k) std::copy_n(from + k * a.column_stride, count, to + k * at_once);
      }
    }
  }
  alignas(64) T out[max_tile];
  T* targets[most_outer_rows];
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = begin + group * at_once, count = std::min(at_once, end - first);
    for (int64_t j = 0; j < n; j += tile.columns) {
      const bool whole = j + tile.columns <= n;
      T *to = y + first * n + j, *sums = whole ? to : out;
      if (!whole) std::fill_n(out, count * tile.columns, T{0});
      level.outer[vectors][count](kb, copied + group * group_size, left.data(), panels + j * kb, right.data(), sums,
                                  whole ? n : tile.columns);
      if (whole) continue;
      for (int64_t i = 0; i < count; ++i) targets[i] = to + i * n;
      level.finish({.add = true}, out, tile.columns, count, n - j, targets);
    }
  }
}

/// y (m x n, contiguous) = a (m x k) b (k x n).
template <class T>
void multiply(const CpuStream& stream, int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* y) {
  const TileKernels<T>& tile = tile_kernels<T>(n);
  const int64_t panels = (n + tile.columns - 1) / tile.columns;
  Tensor packed({panels * std::min(k, depth_block) * tile.columns}, dtype_of<T>());
  T* packed_b = packed.data<T>();
  std::fill_n(y, m * n, T{0});

  for (int64_t k0 = 0; k0 < k; k0 += depth_block) {
    const int64_t kb = std::min(depth_block, k - k0);
    pack_panels(stream, b.data + k0 * b.row_stride, kb, n, b.row_stride, b.column_stride, tile.columns, packed_b);
    const Matrix<T> left{a.data + k0 * a.column_stride, a.row_stride, a.column_stride};
    parallel_for(stream, m, rows_per_task(tile.rows, kb * n), [&](int64_t begin, int64_t end) {
      if (a.column_stride == 1) {
        add_rows(left, begin, end, kb, n, packed_b, y);
      } else {
        add_columns(left, begin, end, kb, n, packed_b, y);
      }
    });
  }
}

}  // namespace

void matmul(const CpuStream& stream, const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& y) {
  if (y.dtype() == DType::f32) {
    if (const auto* unit = reduced::unit_for(stream, true)) return reduced::matmul(stream, *unit, a, b, options, y);
  }
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
