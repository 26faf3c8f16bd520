#pragma once

#include "ops/matmul/gemm.h"

namespace lacuna::test {

/// Calls f with products on the tensor units by the instructions of a warp, then by those of a warpgroup where device
/// and program have them.
template <class F>
void with_either_instructions(F f) {
  bool& warpgroups = kernels::gemm::warpgroup_products();
  const bool before = warpgroups;
  for (const bool on : {false, true}) {
    warpgroups = on;
    CAPTURE(warpgroups);
    f();
  }
  warpgroups = before;
}

}  // namespace lacuna::test
