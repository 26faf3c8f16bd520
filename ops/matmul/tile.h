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

/// What happens to a finished sum before it is stored: (y +) sum + bias, then the curve: elu, `slope` times it where it
/// is negative, or clipped to [-1, 1].
template <class T>
struct Finish {
  enum class Curve : uint8_t { none, elu, leaky, clip };
  const T* bias = nullptr;  ///< one per column
  Curve curve = Curve::none;
  T slope = 0;
  bool add = false;  ///< to what stands in y
};

/// Sums of outer products: y(i,j) += sum over k < depth of a[a_offsets[k] + i] * b[b_offsets[k] + j], for so many rows
/// i and vectors of columns j as the kernel was made for; rows of y are y_step apart.
template <class T>
using OuterProducts = void (*)(int64_t depth, const T* a, const int32_t* a_offsets, const T* b,
                               const int32_t* b_offsets, T* y, int64_t y_step);

constexpr int most_outer_rows = 14, most_outer_vectors = 8;

/// The kernels of one instruction set.
template <class T>
struct TileLevel {
  TileKernels<T> wide, narrow;  ///< tiles of two vectors' width, and of one for matrices that have no more columns
  int64_t lanes;                ///< of a vector
  /// outer[vectors][rows]: null where the sums would not fit in the registers.
  OuterProducts<T> outer[most_outer_vectors + 1][most_outer_rows + 1];
  /// Stores the first `count` columns of `rows` rows of sums, `step` apart, at targets[row].
  void (*finish)(const Finish<T>& finish, const T* sums, int64_t step, int64_t rows, int64_t count, T* const* targets);
  /// y(j,i) = x(i,j) for rows x columns elements of x; rows are x_step and y_step apart.
  void (*transpose)(const T* x, int64_t x_step, int64_t rows, int64_t columns, T* y, int64_t y_step);
  /// y(i,j) = x(i,j), in ascending order and whole vectors: may read and write up to one beyond a row's end.
  void (*copy)(const T* x, int64_t x_step, int64_t rows, int64_t columns, T* y, int64_t y_step);

  /// The most rows of outer products with so many vectors.
  int64_t outer_rows(int64_t vectors) const {
    int64_t rows = most_outer_rows;
    while (rows > 0 && !outer[vectors][rows]) --rows;
    return rows;
  }
};

/// The kernels of cpu_level().
template <class T>
const TileLevel<T>& tile_level();

/// Those for a product with `columns` columns.
template <class T>
const TileKernels<T>& tile_kernels(int64_t columns) {
  const TileLevel<T>& level = tile_level<T>();
  return columns <= level.narrow.columns ? level.narrow : level.wide;
}

template <>
const TileLevel<float>& tile_level<float>();
template <>
const TileLevel<double>& tile_level<double>();

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
constexpr int64_t max_tile = 14 * 32;

}  // namespace lacuna::kernels
