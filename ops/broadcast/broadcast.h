#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// The shape that a and b share when the axes are aligned from the last and an extent of 1 stretches. Throws, naming
/// `op`, if they do not fit.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

/// x repeated along its axes of extent 1 (and new leading ones) to `shape`. VJP: sum_to.
Variable broadcast_to(const Variable& x, const Shape& shape);

/// The adjoint of broadcast_to: sums over the axes along which `shape` would have been stretched to x's. VJP:
/// broadcast_to.
Variable sum_to(const Variable& x, const Shape& shape);

}  // namespace lacuna
