#pragma once

#include "ops/conv2d/reads.h"
#include "ops/matmul/tile.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels::direct {

/// The matrices of some taps, stacked: row k of tap t, column c is
/// data[taps[t] * tap_step + k * row_step + c * column_step].
template <class T>
struct Stack {
  const T* data;
  std::vector<int64_t> taps;
  int64_t depth, columns;
  int64_t tap_step, row_step, column_step;

  int64_t rows() const { return static_cast<int64_t>(taps.size()) * depth; }
  /// As panels of `width` columns, each rows() x width and zero-filled beyond `columns`.
  Tensor panels(const CpuStream& stream, int64_t width) const;
};

/// The outputs at first + step * i along each axis.
struct Lattice {
  int64_t row_first = 0, row_step = 1;
  int64_t column_first = 0, column_step = 1;
};

/// y at the lattice's positions = finish(sum over taps (row, column) of x, gathered there, times that tap's matrix): an
/// implicit matrix product.
template <class T>
struct GatherProduct {
  Reads rows, columns;
  Stack<T> kernel;
  Lattice lattice;
  Finish<T> finish;
};

/// Several of these, of one x and y, side by side: where one has read or written, the next finds it in the cache.
template <class T>
void gather_multiply(const CpuStream& stream, const Tensor& x, const std::vector<GatherProduct<T>>& products,
                     Tensor& y);

}  // namespace lacuna::kernels::direct
