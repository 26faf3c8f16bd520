#include "ops/matmul/matmul.h"

#include <vector>

#include "autograd/tape.h"
#include "ops/broadcast/broadcast.h"
#include "ops/matmul/kernels.h"

namespace lacuna {
namespace {

/// The leading axes of a matrix operand.
std::vector<int64_t> batch_of(const Shape& s) { return {s.begin(), s.end() - 2}; }

Tensor as_batch(const Tensor& t) {
  const int64_t rows = t.dim(-2), columns = t.dim(-1);
  int64_t batch = 1;
  for (int64_t d : batch_of(t.shape())) batch *= d;
  return t.reshaped({batch, rows, columns});
}

}  // namespace

Variable matmul(const Variable& a, const Variable& b, const MatmulOptions& options) {
  const bool ta = options.transpose_a, tb = options.transpose_b;
  const auto describe = [&] {
    return "a " + a.shape().str() + (ta ? " transposed" : "") + ", b " + b.shape().str() + (tb ? " transposed" : "");
  };
  check(a.rank() >= 2 && b.rank() >= 2, "[matmul] operands need two axes at least: ", describe());
  check(a.dtype() == b.dtype(), "[matmul] operands differ in type: ", name_of(a.dtype()), " and ", name_of(b.dtype()));
  const int64_t m = a.dim(ta ? -1 : -2), k = a.dim(ta ? -2 : -1), n = b.dim(tb ? -2 : -1);
  check(b.dim(tb ? -1 : -2) == k, "[matmul] inner extents differ: ", describe());
  const std::vector<int64_t> batch_a = batch_of(a.shape()), batch_b = batch_of(b.shape());
  check(batch_a == batch_b || batch_a.empty() || batch_b.empty(), "[matmul] batch axes differ: ", describe());

  std::vector<int64_t> dims = batch_a.empty() ? batch_b : batch_a;
  dims.push_back(m);
  dims.push_back(n);
  Tensor y(Shape(dims), a.dtype(), a.device());
  Tensor y_batch = as_batch(y);
  on(a.device(),
     [&](auto& stream) { kernels::matmul(stream, as_batch(a.value()), as_batch(b.value()), options, y_batch); });

  return record("matmul", {a, b}, y, [a, b, ta, tb](const Vjp& v) {
    const Variable& g = v.cotangent();
    Variable da, db;
    // A shared operand's cotangent is summed over the batch.
    if (v.needs(0)) {
      da = ta ? matmul(b, g, {.transpose_a = tb, .transpose_b = true}) : matmul(g, b, {.transpose_b = !tb});
      da = sum_to(da, a.shape());
    }
    if (v.needs(1)) {
      db = tb ? matmul(g, a, {.transpose_a = true, .transpose_b = ta}) : matmul(a, g, {.transpose_a = !ta});
      db = sum_to(db, b.shape());
    }
    return Variables{da, db};
  });
}

}  // namespace lacuna
