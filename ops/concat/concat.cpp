#include "ops/concat/concat.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/concat/kernels.h"

namespace lacuna {
namespace {

/// The axis counted from the first.
int axis_of(const char* op, const Shape& shape, int axis) {
  const int from_first = axis < 0 ? axis + shape.rank() : axis;
  check(from_first >= 0 && from_first < shape.rank(), "[", op, "] there is no axis ", axis, " in ", shape);
  return from_first;
}

Shape with_extent(Shape shape, int axis, int64_t extent) {
  shape[axis] = extent;
  return shape;
}

/// A permutation with every run of axes that stay together merged into one and the axes of extent 1 left out.
struct Collapsed {
  std::vector<int64_t> dims;  // of x
  std::vector<int> axes;
};

Collapsed collapse(const Shape& shape, const std::vector<int>& axes) {
  std::vector<int> kept;
  std::copy_if(axes.begin(), axes.end(), std::back_inserter(kept), [&](int a) { return shape[a] != 1; });
  std::vector<int> successor(axes.size() + 1, -1);  // the next kept axis of x
  for (int a = shape.rank() - 1, next = -1; a >= 0; --a) {
    successor[a] = next;
    if (shape[a] != 1) next = a;
  }

  std::vector<int> heads;  // the first axis of each run, in the order of the result
  std::vector<int64_t> extent(axes.size(), 1);
  for (size_t k = 0; k < kept.size(); ++k) {
    if (k == 0 || successor[kept[k - 1]] != kept[k]) heads.push_back(kept[k]);
    extent[heads.back()] *= shape[kept[k]];
  }
  std::vector<int> sorted = heads;
  std::sort(sorted.begin(), sorted.end());
  Collapsed c;
  for (const int a : sorted) c.dims.push_back(extent[a]);
  for (const int a : heads) {
    c.axes.push_back(static_cast<int>(std::lower_bound(sorted.begin(), sorted.end(), a) - sorted.begin()));
  }
  return c;
}

}  // namespace

Variable concat(const Variables& xs, int axis) {
  check(!xs.empty(), "[concat] there is nothing to join: give at least one tensor");
  const Variable& first = xs[0];
  axis = axis_of("concat", first.shape(), axis);
  int64_t size = 0;
  std::vector<int64_t> starts, lengths;
  for (const Variable& x : xs) {
    check(x.rank() == first.rank() && with_extent(x.shape(), axis, 0) == with_extent(first.shape(), axis, 0),
          "[concat] along axis ", axis, " all other extents must agree: ", first.shape(), " and ", x.shape());
    check(x.dtype() == first.dtype(), "[concat] the types differ: ", name_of(first.dtype()), " and ",
          name_of(x.dtype()));
    starts.push_back(size);
    lengths.push_back(x.dim(axis));
    size += x.dim(axis);
  }
  Tensor y(with_extent(first.shape(), axis, size), first.dtype(), first.device());
  on(first.device(), [&](auto& stream) {
    for (size_t i = 0; i < xs.size(); ++i) kernels::place(stream, xs[i].value(), axis, starts[i], y);
  });
  return record("concat", xs, y, [axis, starts, lengths](const Vjp& v) {
    Variables cotangents(starts.size());
    for (size_t i = 0; i < starts.size(); ++i) {
      if (v.needs(i)) cotangents[i] = slice(v.cotangent(), axis, starts[i], lengths[i]);
    }
    return cotangents;
  });
}

Variable slice(const Variable& x, int axis, int64_t start, int64_t length) {
  axis = axis_of("slice", x.shape(), axis);
  const int64_t size = x.dim(axis);
  check(start >= 0 && length >= 0 && start + length <= size, "[slice] elements [", start, ", ", start + length,
        ") do not lie within axis ", axis, " of ", x.shape());
  Tensor y(with_extent(x.shape(), axis, length), x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::slice(stream, x.value(), axis, start, y); });
  return record("slice", {x}, y,
                [axis, start, size](const Vjp& v) { return Variables{embed(v.cotangent(), axis, start, size)}; });
}

Variable embed(const Variable& x, int axis, int64_t start, int64_t size) {
  axis = axis_of("embed", x.shape(), axis);
  const int64_t length = x.dim(axis);
  check(start >= 0 && start + length <= size, "[embed] axis ", axis, " of ", x.shape(), ", placed at ", start,
        ", does not fit into ", size, " elements");
  Tensor y = Tensor::zeros(with_extent(x.shape(), axis, size), x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::place(stream, x.value(), axis, start, y); });
  return record("embed", {x}, y,
                [axis, start, length](const Vjp& v) { return Variables{slice(v.cotangent(), axis, start, length)}; });
}

Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", {x}, x.value().reshaped(shape),
                [shape = x.shape()](const Vjp& v) { return Variables{reshape(v.cotangent(), shape)}; });
}

Variable reshape(const Variable& x, const std::vector<int64_t>& dims) {
  const auto unknown = std::find(dims.begin(), dims.end(), -1);
  if (unknown == dims.end()) return reshape(x, Shape(dims));
  std::vector<int64_t> known = dims;
  known[unknown - dims.begin()] = 1;
  check(std::find(known.begin(), known.end(), -1) == known.end(), "[reshape] only one extent can be -1");
  const int64_t rest = Shape(known).numel();
  check(rest > 0 && x.numel() % rest == 0, "[reshape] the ", x.numel(), " elements of ", x.shape(),
        " cannot be divided among rows of ", rest);
  known[unknown - dims.begin()] = x.numel() / rest;
  return reshape(x, Shape(known));
}

Variable reshape(const Variable& x, std::initializer_list<int64_t> dims) {
  return reshape(x, std::vector<int64_t>(dims));
}

Variable permute(const Variable& x, const std::vector<int>& axes) {
  const size_t rank = static_cast<size_t>(x.rank());
  std::vector<int> inverse(rank, -1);
  Shape shape = x.shape();
  check(axes.size() == rank, "[permute] ", axes.size(), " axes given for ", x.shape());
  for (size_t k = 0; k < rank; ++k) {
    const int axis = axis_of("permute", x.shape(), axes[k]);
    check(inverse[axis] < 0, "[permute] axis ", axis, " of ", x.shape(), " is given twice");
    inverse[axis] = static_cast<int>(k);
    shape[static_cast<int>(k)] = x.shape()[axis];
  }
  std::vector<int> order(rank);
  for (size_t a = 0; a < rank; ++a) order[inverse[a]] = static_cast<int>(a);

  Tensor y;
  const Collapsed c = collapse(x.shape(), order);
  if (c.axes.size() <= 1 || x.numel() == 0) {
    y = x.value().reshaped(shape);
  } else {
    y = Tensor(shape, x.dtype(), x.device());
    const Tensor merged = x.value().reshaped(Shape(c.dims));
    on(x.device(), [&](auto& stream) { kernels::permute(stream, merged, c.axes, y); });
  }
  return record("permute", {x}, y, [inverse](const Vjp& v) { return Variables{permute(v.cotangent(), inverse)}; });
}

}  // namespace lacuna
