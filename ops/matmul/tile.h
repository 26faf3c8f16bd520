#pragma once

#include <cstdint>

namespace lacuna::kernels {

/// The innermost loops of all matrix products, for one instruction set. Either computes a full rows x columns tile, row
/// by row, of sums held in registers:
///   by_rows:    tile(i,j) = sum over taps t and k < depth of a[t * rows + i][k] * b[(t * depth + k) * columns + j]
///   by_columns: tile(i,j) = sum over k < depth of a[k][i] * b[k * columns + j]
/// Both read their left operand in place, by_rows through one pointer per row and tap, by_columns (whose left operand
/// is transposed) through one per depth: a convolution needs no copy of its input, only the addresses of the pixels
/// under each tap.
template <class T>
struct TileKernels {
  const char* name;
  int64_t rows, columns;
  void (*by_rows)(int64_t taps, int64_t depth, const T* const* a, const T* b, T* tile);
  void (*by_columns)(int64_t depth, const T* const* a, const T* b, T* tile);
};

/// The kernels of one instruction set: tiles of two vectors' width, and of one for matrices that have no more columns.
template <class T>
struct TileLevel {
  TileKernels<T> wide, narrow;
};

/// The kernels of cpu_level() for a product with `columns` columns.
template <class T>
const TileKernels<T>& tile_kernels(int64_t columns);

extern const TileLevel<float> portable_f32, avx2_f32, avx512_f32;
extern const TileLevel<double> portable_f64, avx2_f64, avx512_f64;

/// Rows for a task of a parallel product to take: whole tiles, `least_tiles` at the least, and enough for a million
/// multiplications, below which handing the task to another thread costs more than it saves.
constexpr int64_t rows_per_task(int64_t tile_rows, int64_t multiplications_per_row, int64_t least_tiles = 8) {
  constexpr int64_t least_work = int64_t{1} << 20;
  const int64_t work = tile_rows * (multiplications_per_row < 1 ? 1 : multiplications_per_row);
  const int64_t tiles = (least_work + work - 1) / work;
  return tile_rows * (tiles < least_tiles ? least_tiles : tiles);
}

/// Elements of the largest tile of any instruction set.
constexpr int64_t max_tile = 12 * 32;

}  // namespace lacuna::kernels
