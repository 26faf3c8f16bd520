#include "ops/diagonal/diagonal.h"

#include "autograd/tape.h"
#include "ops/diagonal/kernels.h"

namespace lacuna {

Variable diagonal_sum(const Variable& x, const ShiftRange& shifts) {
  const ShiftRange& s = shifts;
  check(x.rank() == 5, "[diagonal_sum] x must be (N,h,w,H,W), a matrix between positions of two grids, not ",
        x.shape());
  check(s.row_lo <= s.row_hi && s.col_lo <= s.col_hi, "[diagonal_sum] the range of shifts is empty: rows ", s.row_lo,
        " to ", s.row_hi, ", columns ", s.col_lo, " to ", s.col_hi);
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernels::diagonal_sum(stream, x.value(), s, y); });
  return record("diagonal_sum", {x}, y, [s](const Vjp& v) {
    return Variables{diagonal_sum(v.cotangent(), {-s.row_hi, -s.row_lo, -s.col_hi, -s.col_lo})};
  });
}

}  // namespace lacuna
