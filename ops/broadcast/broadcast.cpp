#include "ops/broadcast/broadcast.h"

#include <algorithm>
#include <vector>

#include "autograd/tape.h"
#include "ops/broadcast/kernels.h"

namespace lacuna {

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(static_cast<size_t>(rank), 1);
  for (int back = 1; back <= rank; ++back) {
    const int64_t da = back <= a.rank() ? a.dim(-back) : 1, db = back <= b.rank() ? b.dim(-back) : 1;
    check(da == db || da == 1 || db == 1, "[", op, "] shapes ", a, " and ", b,
          " do not broadcast: aligned from the last axis, extents must be equal or 1");
    dims[static_cast<size_t>(rank - back)] = da == 1 ? db : da;
  }
  return Shape(dims);
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  check(broadcast_shape("broadcast_to", x.shape(), shape) == shape, "[broadcast_to] x ", x.shape(),
        " cannot be stretched to ", shape, ": only extents of 1 and missing leading axes stretch");
  Tensor y(shape, x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::broadcast_to(stream, x.value(), y); });
  return record("broadcast_to", {x}, y,
                [from = x.shape()](const Vjp& v) { return Variables{sum_to(v.cotangent(), from)}; });
}

Variable sum_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  check(broadcast_shape("sum_to", x.shape(), shape) == x.shape(), "[sum_to] x ", x.shape(), " cannot be summed to ",
        shape, ": ", shape, " does not stretch to x's shape");
  Tensor y(shape, x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::sum_to(stream, x.value(), y); });
  return record("sum_to", {x}, y,
                [from = x.shape()](const Vjp& v) { return Variables{broadcast_to(v.cotangent(), from)}; });
}

}  // namespace lacuna
