#pragma once

#include "ops/unfold/unfold.h"
#include "tensor/functor.h"
#include "tensor/index_divider.h"

namespace lacuna::functors {

/// How patches lie along one axis of n pixels: patch i covers the pixels [i * stride - before, i * stride - before +
/// kernel).
struct PatchAxis {
  int64_t count, before;
};

/// Needs n >= kernel unless `same`.
LACUNA_HD inline PatchAxis patch_axis(int64_t n, const PatchOptions& o) {
  if (!o.same) return {(n - o.kernel) / o.stride + 1, 0};
  const int64_t count = (n + o.stride - 1) / o.stride, total = (count - 1) * o.stride + o.kernel - n;
  return {count, total > 0 ? total / 2 : 0};
}

/// The patches [first, last) that cover pixel p.
struct PatchRange {
  int64_t first, last;
};

LACUNA_HD inline PatchRange covering_patches(int64_t p, const PatchAxis& axis, const PatchOptions& o) {
  const int64_t q = p + axis.before, last = divide(q, o.stride) + 1;
  const int64_t first = q < o.kernel ? 0 : divide(q - o.kernel, o.stride) + 1;
  return {first, last < axis.count ? last : axis.count};
}

}  // namespace lacuna::functors
