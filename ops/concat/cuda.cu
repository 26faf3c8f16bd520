#include "ops/concat/kernels.h"
#include "ops/concat/layout.h"
#include "tensor/cuda_units.cuh"
#include "tensor/index_divider.h"

namespace lacuna::kernels {
namespace {

constexpr int tile = 32, tile_rows = 8;

/// Rows of `units` units, at their own distances in x and y.
template <class U>
struct CopyRows {
  const U* x;
  U* y;
  int64_t x_pitch, y_pitch;
  IndexDivider units;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t column = units.split(i);
    y[i * y_pitch + column] = x[i * x_pitch + column];
  }
};

void copy_rows(const CudaStream& stream, const Rows& rows, const Tensor& x, int64_t x_start, int64_t x_pitch, Tensor& y,
               int64_t y_start, int64_t y_pitch) {
  if (rows.bytes == 0) return;
  visit_unit(
      [&]<class U>(U) {
        constexpr auto size = static_cast<int64_t>(sizeof(U));
        for_each(stream, rows.count * (rows.bytes / size),
                 CopyRows<U>{units_of<U>(x) + x_start / size, units_of<U>(y) + y_start / size, x_pitch / size,
                             y_pitch / size, IndexDivider(rows.bytes / size)});
      },
      rows.bytes, x_start, x_pitch, y_start, y_pitch);
}

/// Element i of y, whose axes are x's in another order.
template <class U>
struct Permute {
  const U* x;
  U* y;
  int rank;
  IndexDivider extent[Shape::max_rank];
  int64_t stride[Shape::max_rank];  // of y's axes in x

  LACUNA_HD void operator()(int64_t i) const {
    int64_t rest = i, offset = 0;
    for (int k = rank - 1; k > 0; --k) offset += extent[k].split(rest) * stride[k];
    y[i] = x[offset + rest * stride[0]];
  }
};

/// In units that make up the last axis, if it stays the last, or are single elements.
template <class U>
void permute_each(const CudaStream& stream, const Tensor& x, const std::vector<int>& axes, const Permutation& p,
                  Tensor& y) {
  const auto per_unit = static_cast<int64_t>(sizeof(U)) / size_of(x.dtype());
  Permute<U> each{units_of<U>(x), units_of<U>(y), p.last + 1, {}, {}};
  for (int k = 0; k <= p.last; ++k) {
    const int64_t units = k == p.last ? per_unit : 1;
    each.extent[k] = IndexDivider(x.shape()[axes[k]] / units);
    each.stride[k] = k == p.last ? p.x_stride[axes[k]] : p.x_stride[axes[k]] / per_unit;
  }
  for_each(stream, x.numel() / per_unit, each);
}

/// Planes whose rows are contiguous in x and whose columns are in y.
struct Transposes {
  OuterLoops planes;
  int64_t rows, columns;     // of x
  int64_t x_pitch, y_pitch;  // between rows of x, and of y
  int64_t row_tiles, column_tiles;
};

/// y(c, r) = x(r, c), a tile by a block of threads, so that both are read and written along their rows.
template <class U>
__global__ void __launch_bounds__(tile* tile_rows) transpose_kernel(const Transposes t, const U* x, U* y) {
  __shared__ U square[tile][tile + 1];
  const int64_t task = blockIdx.x;
  const int64_t column = task % t.column_tiles * tile, row = task / t.column_tiles % t.row_tiles * tile;
  int64_t x_offset, y_offset;
  t.planes.locate(task / t.column_tiles / t.row_tiles, x_offset, y_offset);
  const int lane = static_cast<int>(threadIdx.x), first = static_cast<int>(threadIdx.y);
  for (int r = first; r < tile; r += tile_rows) {
    if (row + r < t.rows && column + lane < t.columns) {
      square[r][lane] = x[x_offset + (row + r) * t.x_pitch + column + lane];
    }
  }
  __syncthreads();
  for (int c = first; c < tile; c += tile_rows) {
    if (column + c < t.columns && row + lane < t.rows) {
      y[y_offset + (column + c) * t.y_pitch + row + lane] = square[lane][c];
    }
  }
}

template <class U>
void transpose(const CudaStream& stream, const Tensor& x, const std::vector<int>& axes, const Permutation& p,
               Tensor& y) {
  const int rows = axes[p.last];  // the axis of x that is y's last
  Transposes t{p.outer, x.shape()[rows], x.shape()[p.last], p.x_stride[rows], p.y_stride[p.last], 0, 0};
  t.row_tiles = (t.rows + tile - 1) / tile;
  t.column_tiles = (t.columns + tile - 1) / tile;
  const int64_t blocks = t.planes.count * t.row_tiles * t.column_tiles;
  check(blocks < int64_t{1} << 31, "[permute] ", x.shape(), " is too large for one call");
  launch(stream, {static_cast<unsigned>(blocks), dim3(tile, tile_rows)}, transpose_kernel<U>, t, units_of<U>(x),
         units_of<U>(y));
}

}  // namespace

void slice(const CudaStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y) {
  const Rows from = rows_from(x, axis), to = rows_from(y, axis);
  copy_rows(stream, to, x, start * from.step, from.bytes, y, 0, to.bytes);
}

void place(const CudaStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y) {
  const Rows from = rows_from(x, axis), to = rows_from(y, axis);
  copy_rows(stream, from, x, 0, from.bytes, y, start * to.step, to.bytes);
}

void permute(const CudaStream& stream, const Tensor& x, const std::vector<int>& axes, Tensor& y) {
  const Permutation p(x.shape(), axes);
  constexpr int64_t narrow = 8;  // tiles of so few rows or columns would be mostly empty
  const bool rows_stay = axes[p.last] == p.last;
  const bool each = rows_stay || x.shape()[p.last] < narrow || x.shape()[axes[p.last]] < narrow;
  const int64_t row_bytes = (rows_stay ? x.shape()[p.last] : 1) * size_of(x.dtype());
  visit_unit(
      [&]<class U>(U) {
        if (each) return permute_each<U>(stream, x, axes, p, y);
        if constexpr (sizeof(U) <= 8) transpose<U>(stream, x, axes, p, y);
      },
      row_bytes);
}

}  // namespace lacuna::kernels
