#pragma once

#include "ops/attention/sample.h"

/// Rows of the matrix between positions for whole rows of the grid, and the steps between such, for the backward pass.
namespace lacuna::kernels::attention {

/// Some of a grid's rows, in order.
class RowSet {
 public:
  RowSet(int64_t h, int64_t begin, int64_t end);

  /// With n rows around each, as far as there are any.
  RowSet widened(int64_t n) const;
  /// The same, where after the last row comes the first.
  RowSet wrapped(int64_t n) const;
  RowSet with(const RowSet& other) const;

  const std::vector<int64_t>& rows() const { return rows_; }
  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  /// Which of them `row` is.
  int64_t index(int64_t row) const { return std::lower_bound(rows_.begin(), rows_.end(), row) - rows_.begin(); }
  /// The rows of corners around them.
  std::vector<int64_t> corner_rows() const;

  /// f(row) for all, on the stream's threads.
  template <class F>
  void for_each(const CpuStream& stream, F f) const {
    parallel_for(stream, size(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) f(rows_[static_cast<size_t>(k)]);
    });
  }

 private:
  template <class F>
  RowSet reached(int64_t n, F place) const;

  int64_t h_;
  std::vector<int64_t> rows_;
};

/// Rows of the matrix for all positions in some rows of the grid, with zeros in the guards around.
template <class T>
class Matrix {
 public:
  Matrix() : grid_rows_(0, 0, 0) {}
  Matrix(const CpuStream& stream, const Geometry& g, const RowSet& rows);

  const RowSet& grid_rows() const { return grid_rows_; }
  int64_t step() const { return step_; }
  T* operator()(int64_t row, int64_t column) { return data_ + (grid_rows_.index(row) * width_ + column) * step_; }
  const T* operator()(int64_t row, int64_t column) const {
    return data_ + (grid_rows_.index(row) * width_ + column) * step_;
  }
  const T* at(int64_t position) const { return (*this)(position / width_, position % width_); }

 private:
  RowSet grid_rows_;
  int64_t width_ = 0, step_ = 0;
  Tensor memory_;
  T* data_ = nullptr;
};

/// The steps from scores to weights, which are also those of the way back: sums along diagonals are their own adjoints.
template <class T>
class Stages {
 public:
  Stages(const CpuStream& stream, const Geometry& g, const Sample<T>& sample, const ColumnMasks<T>& masks);

  /// G for the given rows.
  Matrix<T> scores(const RowSet& rows) const;
  /// scale[j] times the sums over patches of x.
  Matrix<T> patch_sums(const Matrix<T>& x, const RowSet& rows, const T* scale) const;
  /// The same, unscaled, one after the other: (1, positions in rows [begin, end), L).
  Tensor patch_sums_in_order(const Matrix<T>& x, int64_t begin, int64_t end) const;
  /// The first propagation of x.
  Matrix<T> along_rows(const Matrix<T>& x, const RowSet& rows) const;
  /// The second propagation of x, whose guards are written.
  Matrix<T> along_columns(Matrix<T>& x, const RowSet& rows) const;
  /// The second propagation and the softmax. Rows are stored by corners, as sum_around takes them.
  Matrix<T> weights(Matrix<T> x, const RowSet& rows) const;
  /// x[j] /= n(j)
  void divide(Matrix<T>& x) const;

 private:
  void patch_sums_of_row(const Matrix<T>& x, int64_t row, const T* scale, T* first, int64_t step) const;
  void continue_all(Matrix<T>& x) const;
  /// Taps of x for the second propagation's sum at (row, column); returns their number.
  int64_t column_taps(const Matrix<T>& x, int64_t row, int64_t column, std::vector<const T*>& taps) const;

  const CpuStream& stream_;
  const Geometry& g_;
  const Sample<T>& sample_;
  const ColumnMasks<T>& masks_;
  const RowLoops<T>& loops_;
  int64_t l_;
};

}  // namespace lacuna::kernels::attention
