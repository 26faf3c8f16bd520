#pragma once

#include "tests/support/compare.h"
#include "train/checkpoint.h"

namespace lacuna::test {

/// Checks that two checkpoints are of the same step and hold the same tensors by name; compare(x, y) checks their
/// values.
template <class Compare>
void check_alike(const Checkpoint& a, const Checkpoint& b, const Compare& compare) {
  CHECK(a.step == b.step);
  CHECK(a.batches == b.batches);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    CAPTURE(a.tensors[i].first);
    CHECK(a.tensors[i].first == b.tensors[i].first);
    compare(a.tensors[i].second, b.tensors[i].second);
  }
}

inline void check_same(const Checkpoint& a, const Checkpoint& b) {
  check_alike(a, b, [](const Tensor& x, const Tensor& y) { CHECK(same_bits(x, y)); });
}

inline void check_close(const Checkpoint& a, const Checkpoint& b, double tolerance) {
  check_alike(a, b,
              [&](const Tensor& x, const Tensor& y) { CHECK_CLOSE(x.to(DType::f64), y.to(DType::f64), tolerance); });
}

}  // namespace lacuna::test
