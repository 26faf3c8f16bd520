#pragma once

#include "tensor/stream.h"
#include "tests/support/compare.h"

namespace lacuna::test {

/// f's result, checked to have the same bits for 1 and for 4 threads.
template <class F>
Tensor on_any_threads(F&& f) {
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor one = f();
  set_num_threads(4);
  const Tensor four = f();
  set_num_threads(threads);
  CHECK(same_bits(one, four));
  return one;
}

}  // namespace lacuna::test
