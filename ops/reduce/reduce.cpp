#include "ops/reduce/reduce.h"

#include <limits>

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/broadcast/broadcast.h"
#include "ops/concat/concat.h"
#include "ops/reduce/kernels.h"

namespace lacuna {
namespace {

/// A reduced shape with the axes kept as extent 1, and with them gone.
struct Reduced {
  Shape kept, dropped;
};

Reduced reduced_shape(const char* op, const Shape& shape, const std::vector<int>& axes) {
  std::vector<bool> gone(static_cast<size_t>(shape.rank()), false);
  for (int axis : axes) {
    check(axis >= -shape.rank() && axis < shape.rank(), "[", op, "] there is no axis ", axis, " in ", shape);
    const size_t from_first = static_cast<size_t>(shape.normalize(axis));
    check(!gone[from_first], "[", op, "] axis ", from_first, " of ", shape, " is named twice");
    gone[from_first] = true;
  }
  std::vector<int64_t> kept, dropped;
  for (size_t axis = 0; axis < gone.size(); ++axis) {
    const int64_t extent = shape[static_cast<int>(axis)];
    kept.push_back(gone[axis] ? 1 : extent);
    if (!gone[axis]) dropped.push_back(extent);
  }
  return {Shape(kept), Shape(dropped)};
}

Variable sum_over(const char* op, const Variable& x, const std::vector<int>& axes, bool keep_dims) {
  const Reduced reduced = reduced_shape(op, x.shape(), axes);
  const Variable y = sum_to(x, reduced.kept);
  return keep_dims ? y : reshape(y, reduced.dropped);
}

/// Elements of x for each of y, with the errors of an op that needs at least one.
double elements_each(const char* op, const Variable& x, const Variable& y) {
  check(x.numel() > 0, "[", op, "] x ", x.shape(), " has no elements");
  return static_cast<double>(x.numel()) / static_cast<double>(y.numel());
}

/// argmax with the axis (counted from the first) kept as extent 1.
Tensor argmax_kept(const char* op, const Tensor& x, int axis, const Shape& kept) {
  check(x.dim(axis) > 0, "[", op, "] axis ", axis, " of ", x.shape(), " has no elements");
  check(x.dim(axis) <= std::numeric_limits<int32_t>::max(), "[", op, "] axis ", axis, " of ", x.shape(),
        " is too long for an i32 index");
  Tensor index(kept, DType::i32, x.device());
  on(x.device(), [&](auto& stream) { kernels::argmax(stream, x, axis, index); });
  return index;
}

}  // namespace

Variable sum(const Variable& x) { return sum_to(x, {}); }

Variable sum(const Variable& x, const std::vector<int>& axes, bool keep_dims) {
  return sum_over("sum", x, axes, keep_dims);
}

Variable mean(const Variable& x) {
  const Variable total = sum(x);
  return total / elements_each("mean", x, total);
}

Variable mean(const Variable& x, const std::vector<int>& axes, bool keep_dims) {
  const Variable total = sum_over("mean", x, axes, keep_dims);
  return total / elements_each("mean", x, total);
}

Variable max(const Variable& x, int axis, bool keep_dims) {
  const Reduced reduced = reduced_shape("max", x.shape(), {axis});
  const int from_first = x.shape().normalize(axis);
  const Tensor index = argmax_kept("max", x.value(), from_first, reduced.kept);
  Tensor y(reduced.kept, x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::pick(stream, x.value(), index, from_first, y); });
  const Variable largest = record("max", {x}, y, [index, from_first, shape = x.shape()](const Vjp& v) {
    const Variable& g = v.cotangent();
    Tensor attained(shape, g.dtype(), g.device());
    on(g.device(), [&](auto& stream) { kernels::one_hot(stream, index, from_first, attained); });
    return Variables{attained * g};
  });
  return keep_dims ? largest : reshape(largest, reduced.dropped);
}

Tensor argmax(const Tensor& x, int axis) {
  const Reduced reduced = reduced_shape("argmax", x.shape(), {axis});
  return argmax_kept("argmax", x, x.shape().normalize(axis), reduced.kept).reshaped(reduced.dropped);
}

}  // namespace lacuna
