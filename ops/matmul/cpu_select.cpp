#include "ops/matmul/tile.h"
#include "tensor/cpu_level.h"

namespace lacuna::kernels {
namespace {

/// The level's kernels, of those for the portable level, AVX2 and AVX-512.
template <class T>
const TileLevel<T>& choose(const TileLevel<T>* const (&levels)[3]) {
  const CpuLevel level = cpu_level() < CpuLevel::avx512 ? cpu_level() : CpuLevel::avx512;
  return *levels[static_cast<int>(level)];
}

}  // namespace

#ifdef __x86_64__
template <>
const TileLevel<float>& tile_level<float>() {
  return choose<float>({&portable_f32, &avx2_f32, &avx512_f32});
}

template <>
const TileLevel<double>& tile_level<double>() {
  return choose<double>({&portable_f64, &avx2_f64, &avx512_f64});
}
#else
template <>
const TileLevel<float>& tile_level<float>() {
  return portable_f32;
}

template <>
const TileLevel<double>& tile_level<double>() {
  return portable_f64;
}
#endif

}  // namespace lacuna::kernels
