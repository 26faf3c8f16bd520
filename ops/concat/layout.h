#pragma once

#include <vector>

#include "tensor/functor.h"
#include "tensor/tensor.h"

/// Where the elements go that are copied.
namespace lacuna::kernels {

/// A tensor seen as rows: everything from `axis` inwards is one row.
struct Rows {
  int64_t count, bytes;  // rows, and the length of each
  int64_t step;          // bytes from one element of the axis to the next
};

inline Rows rows_from(const Tensor& x, int axis) {
  int64_t count = 1, step = size_of(x.dtype());
  for (int a = 0; a < axis; ++a) count *= x.dim(a);
  for (int a = axis + 1; a < x.rank(); ++a) step *= x.dim(a);
  return {count, step * x.dim(axis), step};
}

/// The axes of a permutation but those that the innermost loops run over: where position `index` of them begins in x
/// and y.
struct OuterLoops {
  int rank = 0;
  int64_t count = 1;
  int64_t extent[Shape::max_rank], x_stride[Shape::max_rank], y_stride[Shape::max_rank];

  void add(int64_t n, int64_t x_step, int64_t y_step) {
    extent[rank] = n, x_stride[rank] = x_step, y_stride[rank] = y_step;
    ++rank;
    count *= n;
  }
  LACUNA_HD void locate(int64_t index, int64_t& x_offset, int64_t& y_offset) const {
    x_offset = y_offset = 0;
    for (int k = rank - 1; k >= 0; --k) {
      const int64_t i = index % extent[k];
      index /= extent[k];
      x_offset += i * x_stride[k];
      y_offset += i * y_stride[k];
    }
  }
};

/// Axis k of y is axis axes[k] of x; no axis of y is followed by its successor in x.
struct Permutation {
  int last;                                                                // axis
  int64_t x_stride[Shape::max_rank] = {}, y_stride[Shape::max_rank] = {};  // of each axis of x, in x and in y
  OuterLoops outer;                                                        // over all axes but the last of x and of y

  Permutation(const Shape& x, const std::vector<int>& axes) : last(x.rank() - 1) {
    for (int64_t a = last, step = 1; a >= 0; --a) {
      x_stride[a] = step;
      step *= x[static_cast<int>(a)];
    }
    for (int64_t k = last, step = 1; k >= 0; --k) {
      y_stride[axes[k]] = step;
      step *= x[axes[k]];
    }
    for (const int a : axes) {
      if (a != last && a != axes[last]) outer.add(x[a], x_stride[a], y_stride[a]);
    }
  }
};

}  // namespace lacuna::kernels
