#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna::test {

/// How far a sum of `terms` products x w may be from its value when it is computed at `precision`, relative to the sum
/// of |x w|.
///
/// bf16 has 8 significant bits, so rounding to nearest changes a number by at most u = 2^-8 of it.
/// medium: both operands are rounded, so a product is off by at most 2 u + u^2 of itself. It has 16 bits: exact in f32.
/// high: x - hi is at most u |x| and exact in f32, and rounding it to lo leaves u^2 |x|. So both operands are off by
/// u^2, and the product lo lo that is left out is at most (u + u^2)^2: less than 3.02 u^2 in all.
/// Either way each addition in f32 then rounds by 2^-24 of a partial sum, which is at most the sum of |products|: for
/// high there are three for every term. A few more additions join the parts of a sum; the factor 1.01 covers the orders
/// beyond the first.
inline double reduced_bound(Precision precision, int64_t terms) {
  const double u = 0x1p-8, n = static_cast<double>(terms);
  return precision == Precision::medium ? 2 * u + u * u + 1.01 * (n + 16) * 0x1p-24
                                        : 3.02 * u * u + 1.01 * (3 * n + 16) * 0x1p-24;
}

/// |x| in each element.
inline Tensor magnitudes(const Tensor& x) {
  Tensor y = x.clone();
  for (int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = std::abs(x.data<double>()[i]);
  return y;
}

/// Checks every element: |actual - expected| <= bound * sizes.
inline void check_within(const Tensor& actual, const Tensor& expected, const Tensor& sizes, double bound) {
  REQUIRE(actual.shape() == expected.shape());
  const std::vector<double> a = actual.to_vector(), e = expected.to_vector(), s = sizes.to_vector();
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(a[i] - e[i]), allowed = bound * s[i];
    const double share = error == 0 ? 0 : error / allowed;
    worst = share <= worst ? worst : share;  // a NaN is kept
  }
  CHECK(worst <= 1);
}

}  // namespace lacuna::test
