#include "ops/softmax/softmax.h"

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/reduce/reduce.h"
#include "ops/softmax/kernels.h"

namespace lacuna {

Variable softmax(const Variable& x) {
  check(x.rank() >= 1, "[softmax] a scalar has no last axis; reshape it to (1)");
  Tensor y = empty_like(x.value());
  on(x.device(), [&](auto& stream) { kernels::softmax(stream, x.value(), y); });
  return record("softmax", {x}, y, [y](const Vjp& v) {
    const Variable &g = v.cotangent(), out = v.output(y);
    return Variables{out * (g - sum(g * out, {-1}, true))};
  });
}

}  // namespace lacuna
