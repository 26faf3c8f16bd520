#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// A rectangle of 2-D shifts, both ends included.
struct ShiftRange {
  int64_t row_lo = 0, row_hi = 0;
  int64_t col_lo = 0, col_hi = 0;
};

/// For x (N,h,w,H,W), a matrix between positions i of a h x w grid and j of an H x W grid:
/// y(i,j) = sum over shifts d in the range of x(i+d, j+d), where both i+d and j+d lie inside their grids.
/// VJP: the same with the opposite shifts. With a range symmetric about 0 the map is self-adjoint.
Variable diagonal_sum(const Variable& x, const ShiftRange& shifts);

}  // namespace lacuna
