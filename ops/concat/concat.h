#pragma once

#include <initializer_list>
#include <vector>

#include "autograd/variable.h"

namespace lacuna {

// Rearrangements of elements. They work on every element type; a negative axis counts from the last.

/// Joins tensors along `axis`; all other extents and the types must agree. VJP: slices.
Variable concat(const Variables& xs, int axis);
/// Elements [start, start + length) of `axis`. VJP: embed.
Variable slice(const Variable& x, int axis, int64_t start, int64_t length);
/// The adjoint of slice: x placed at `start` of an axis of `size`, zeros elsewhere. VJP: slice.
Variable embed(const Variable& x, int axis, int64_t start, int64_t size);

/// The same elements, in the same storage, under another shape. VJP: reshape back.
Variable reshape(const Variable& x, const Shape& shape);
/// The same with -1 for at most one extent: "what remains".
Variable reshape(const Variable& x, const std::vector<int64_t>& dims);
Variable reshape(const Variable& x, std::initializer_list<int64_t> dims);
/// Axis k of the result is axis axes[k] of x. VJP: the inverse permutation. Where the order of the elements does not
/// change the result shares the storage of x.
Variable permute(const Variable& x, const std::vector<int>& axes);

}  // namespace lacuna
