#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// Elementwise arithmetic; operands of different shapes are broadcast as in NumPy, types and devices must agree.
Variable add(const Variable& a, const Variable& b);
Variable sub(const Variable& a, const Variable& b);
Variable mul(const Variable& a, const Variable& b);
/// a / b. VJP: a' = y' / b, b' = -y' y / b.
Variable div(const Variable& a, const Variable& b);

/// factor * x + offset, with constants. VJP: x' = factor y'.
Variable affine(const Variable& x, double factor, double offset = 0);

inline Variable operator+(const Variable& a, const Variable& b) { return add(a, b); }
inline Variable operator-(const Variable& a, const Variable& b) { return sub(a, b); }
inline Variable operator*(const Variable& a, const Variable& b) { return mul(a, b); }
inline Variable operator/(const Variable& a, const Variable& b) { return div(a, b); }
inline Variable operator-(const Variable& a) { return affine(a, -1); }
inline Variable operator+(const Variable& a, double b) { return affine(a, 1, b); }
inline Variable operator+(double a, const Variable& b) { return affine(b, 1, a); }
inline Variable operator-(const Variable& a, double b) { return affine(a, 1, -b); }
inline Variable operator-(double a, const Variable& b) { return affine(b, -1, a); }
inline Variable operator*(const Variable& a, double b) { return affine(a, b); }
inline Variable operator*(double a, const Variable& b) { return affine(b, a); }
inline Variable operator/(const Variable& a, double b) { return affine(a, 1 / b); }

/// Elements converted to another floating type (f32, f64, bf16). VJP: the cotangent converted back.
Variable cast(const Variable& x, DType dtype);

}  // namespace lacuna
