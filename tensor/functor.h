#pragma once

/// Marks a function that runs on the host and, under nvcc, on the device: kernel bodies are written once
/// as functors so marked, and either backend launches them.
#ifdef __CUDACC__
#define LACUNA_HD __host__ __device__
#else
#define LACUNA_HD
#endif

namespace lacuna {

/// std::bit_cast for functors: the standard's own is no device function.
template <class To, class From>
LACUNA_HD constexpr To bit_cast(const From& x) {
  static_assert(sizeof(To) == sizeof(From), "both types have the same size");
  return __builtin_bit_cast(To, x);
}

}  // namespace lacuna
