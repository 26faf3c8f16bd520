#include "ops/sample/sample.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/concat/concat.h"
#include "ops/reduce/reduce.h"
#include "ops/sample/kernels.h"

namespace lacuna {
namespace {

// The shape `leading` followed by the axes of x after its first `dropped`.
Shape with_leading(const Shape& leading, const Shape& x, int dropped) {
  std::vector<int64_t> dims = leading.dims();
  dims.insert(dims.end(), x.begin() + dropped, x.end());
  return Shape(dims);
}

void check_sampling(const char* op, const char* name, const Variable& x, const Variable& grid, SampleDerivative order) {
  check(x.rank() == 4 && grid.rank() == 4 && grid.dim(3) == 2 && x.dim(0) == grid.dim(0), "[", op, "] needs ", name,
        " (N,H,W,C) and a grid (N,h,w,2), not ", x.shape(), " and ", grid.shape());
  check(x.dtype() == grid.dtype(), "[", op, "] ", name, " is ", name_of(x.dtype()), ", the grid ",
        name_of(grid.dtype()), "; they must agree");
  const auto is_order = [](int n) { return n == 0 || n == 1; };
  check(is_order(order.row) && is_order(order.col), "[", op,
        "] the order of a derivative is 0 or 1 a coordinate, not {", order.row, ",", order.col, "}");
}

// The cotangent of the grid in the form <g, grid_sample_derivative(x, grid, order)>, which both faces share.
Variable grid_cotangent(const Variable& g, const Variable& x, const Variable& grid, SampleDerivative order) {
  const auto along = [&](int row, int col) {
    return sum(g * grid_sample_derivative(x, grid, {order.row + row, order.col + col}), {3}, true);
  };
  const bool row = order.row == 0, col = order.col == 0;  // the kernel is piecewise linear in either coordinate
  if (row && col) return concat({along(1, 0), along(0, 1)}, 3);
  if (row) return embed(along(1, 0), 3, 0, 2);
  if (col) return embed(along(0, 1), 3, 1, 2);
  return {};
}

}  // namespace

Variable gather(const Variable& x, const Tensor& indices) {
  check(x.rank() >= 1, "[gather] x is a scalar and has no rows");
  check(indices.dtype() == DType::i32, "[gather] indices are i32, not ", name_of(indices.dtype()));
  const int64_t rows = x.dim(0);
  Tensor y(with_leading(indices.shape(), x.shape(), 1), x.dtype(), x.device());
  on(x.device(), [&](auto& stream) {
    kernels::check_indices(stream, "gather", indices, rows);
    kernels::gather(stream, x.value(), indices, y);
  });
  return record("gather", {x}, y,
                [indices, rows](const Vjp& v) { return Variables{scatter_add(v.cotangent(), indices, rows)}; });
}

Variable scatter_add(const Variable& g, const Tensor& indices, int64_t rows) {
  const int leading = indices.rank();
  check(indices.dtype() == DType::i32, "[scatter_add] indices are i32, not ", name_of(indices.dtype()));
  check(g.rank() >= leading && std::equal(indices.shape().begin(), indices.shape().end(), g.shape().begin()),
        "[scatter_add] g ", g.shape(), " must start with the indices' shape ", indices.shape());
  Tensor y = Tensor::zeros(with_leading({rows}, g.shape(), leading), g.dtype(), g.device());
  on(g.device(), [&](auto& stream) {
    kernels::check_indices(stream, "scatter_add", indices, rows);
    kernels::scatter_add(stream, g.value(), indices, y);
  });
  return record("scatter_add", {g}, y, [indices](const Vjp& v) { return Variables{gather(v.cotangent(), indices)}; });
}

Variable grid_sample(const Variable& x, const Variable& grid) { return grid_sample_derivative(x, grid, {}); }

Variable grid_sample_derivative(const Variable& x, const Variable& grid, SampleDerivative order) {
  check_sampling("grid_sample", "x", x, grid, order);
  Tensor y({grid.dim(0), grid.dim(1), grid.dim(2), x.dim(3)}, x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::grid_sample(stream, x.value(), grid.value(), order, y); });
  return record("grid_sample", {x, grid}, y, [x, grid, order](const Vjp& v) {
    const Variable& g = v.cotangent();
    return Variables{v.needs(0) ? grid_sample_adjoint(g, grid, x.dim(1), x.dim(2), order) : Variable(),
                     v.needs(1) ? grid_cotangent(g, x, grid, order) : Variable()};
  });
}

Variable grid_sample_adjoint(const Variable& g, const Variable& grid, int64_t height, int64_t width,
                             SampleDerivative order) {
  check_sampling("grid_sample_adjoint", "g", g, grid, order);
  check(g.dim(1) == grid.dim(1) && g.dim(2) == grid.dim(2), "[grid_sample_adjoint] g ", g.shape(), " and grid ",
        grid.shape(), " differ in height or width");
  Tensor x = Tensor::zeros({g.dim(0), height, width, g.dim(3)}, g.dtype(), g.device());
  on(g.device(), [&](auto& stream) { kernels::grid_sample_adjoint(stream, g.value(), grid.value(), order, x); });
  return record("grid_sample_adjoint", {g, grid}, x, [g, grid, order](const Vjp& v) {
    const Variable& h = v.cotangent();
    return Variables{v.needs(0) ? grid_sample_derivative(h, grid, order) : Variable(),
                     v.needs(1) ? grid_cotangent(g, h, grid, order) : Variable()};
  });
}

}  // namespace lacuna
