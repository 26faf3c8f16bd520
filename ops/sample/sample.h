#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// Rows of x (L,...) named by `indices` (i32, any shape S, each in [0,L)): result S + (...). VJP: scatter_add.
Variable gather(const Variable& x, const Tensor& indices);
/// The adjoint: row k of g is added to row indices[k] of a tensor with `rows` rows. VJP: gather.
Variable scatter_add(const Variable& g, const Tensor& indices, int64_t rows);

/// Bilinear sampling: x (N,H,W,C) read at grid (N,h,w,2), whose last axis is (row, column) in pixels; outside reads 0.
/// y(p) = sum over the four neighbours q of k(row_p - row_q) k(col_p - col_q) x(q), k(t) = max(0, 1 - |t|).
/// Differentiable any number of times in x and grid (almost everywhere). VJP: sample_adjoint and the grid derivatives.
Variable grid_sample(const Variable& x, const Variable& grid);

/// The sampling with its kernel differentiated `row` times (0 or 1) in the row and `col` times in the column
/// coordinate.
struct SampleDerivative {
  int row = 0, col = 0;
};
Variable grid_sample_derivative(const Variable& x, const Variable& grid, SampleDerivative order);
/// The adjoint of grid_sample_derivative in x: g (N,h,w,C) is spread over a (N,height,width,C) picture.
Variable grid_sample_adjoint(const Variable& g, const Variable& grid, int64_t height, int64_t width,
                             SampleDerivative order = {});

}  // namespace lacuna
