#pragma once

#include <vector>

#include "bench/measure.h"
#include "tensor/stream.h"

namespace lacuna::bench {

/// What the machine can do at most with so many threads, measured: rates in floating-point operations a second (a
/// multiply-add is two) for operands in registers, at the CPU level in force; 0 where that has no such instructions.
struct Peak {
  int threads = 1;        ///< 0: of a CUDA device, see bench/device_peak.h
  double f32 = 0;         ///< multiply-adds (before AVX2: multiplications and additions)
  double bf16_pairs = 0;  ///< products of bf16 pairs, summed in f32
  double bf16_tiles = 0;  ///< the same on tiles (AMX)
  double copy = 0;        ///< bytes a second, read and written, of copying memory far beyond the caches

  /// The best rate of products at a precision, by definition: at `high` three bf16 products make one.
  double rate(Precision precision) const;
};

/// The CPU's: the best of the runs within about `seconds` for each number. Throws Stopped.
Peak measure_peak(int threads, double seconds, const Effort& effort);

/// How fast something could be done at most.
struct Roofline {
  double seconds = 0;  ///< no less
  bool by_memory = false;
};
/// For `flops` operations and `bytes` that must be read or written at least.
Roofline roofline(double flops, double bytes, const Peak& peak, Precision precision);

}  // namespace lacuna::bench
