#pragma once

#include "tensor/cuda_map.cuh"

namespace lacuna {

/// Calls f with a value of the widest type, of 1 to 16 bytes, whose size divides all `bytes`: what elements of any type
/// are moved by.
template <class F, class... Bytes>
void visit_unit(F f, Bytes... bytes) {
  const int64_t all = (int64_t{bytes} | ...);  // as divisible by a power of two as each of them
  if (all % 16 == 0) return f(Pack<uint64_t, 2>{});
  if (all % 8 == 0) return f(uint64_t{});
  if (all % 4 == 0) return f(uint32_t{});
  if (all % 2 == 0) return f(uint16_t{});
  f(uint8_t{});
}

/// A tensor's memory in units of U.
template <class U>
const U* units_of(const Tensor& x) {
  return static_cast<const U*>(x.raw());
}
template <class U>
U* units_of(Tensor& x) {
  return static_cast<U*>(x.raw());
}

}  // namespace lacuna
