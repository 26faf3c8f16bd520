#include "ops/matmul/tile.h"
#include "tensor/cpu_level.h"

namespace lacuna::kernels {
namespace {

/// The level's kernels, of those for the portable level, AVX2 and AVX-512.
template <class T>
const TileKernels<T>& choose(const TileLevel<T>* const (&levels)[3], int64_t columns) {
  const CpuLevel level = cpu_level() < CpuLevel::avx512 ? cpu_level() : CpuLevel::avx512;
  const TileLevel<T>& chosen = *levels[static_cast<int>(level)];
  return columns <= chosen.narrow.columns ? chosen.narrow : chosen.wide;
}

}  // namespace

#ifdef __x86_64__
template <>
const TileKernels<float>& tile_kernels<float>(int64_t columns) {
  return choose<float>({&portable_f32, &avx2_f32, &avx512_f32}, columns);
}

template <>
const TileKernels<double>& tile_kernels<double>(int64_t columns) {
  return choose<double>({&portable_f64, &avx2_f64, &avx512_f64}, columns);
}
#else
template <>
const TileKernels<float>& tile_kernels<float>(int64_t columns) {
  return choose<float>({&portable_f32, &portable_f32, &portable_f32}, columns);
}

template <>
const TileKernels<double>& tile_kernels<double>(int64_t columns) {
  return choose<double>({&portable_f64, &portable_f64, &portable_f64}, columns);
}
#endif

}  // namespace lacuna::kernels
