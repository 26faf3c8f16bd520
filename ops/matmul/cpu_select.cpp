#include <cstdlib>
#include <string>

#include "ops/matmul/tile.h"
#include "tensor/check.h"

namespace lacuna::kernels {
namespace {

enum class Level { portable, avx2, avx512 };

Level supported_level() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return Level::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Level::avx2;
#endif
  return Level::portable;
}

Level chosen_level() {
  const Level best = supported_level();
  const char* cap = std::getenv("LACUNA_CPU");
  if (!cap || !*cap) return best;
  const std::string name = cap;
  const Level wanted = name == "portable" ? Level::portable : name == "avx2" ? Level::avx2 : Level::avx512;
  check(wanted != Level::avx512 || name == "avx512", "[cpu] LACUNA_CPU is one of portable, avx2, avx512, not ", name);
  check(wanted <= best, "[cpu] LACUNA_CPU=", name, " asks for instructions that this CPU lacks");
  return wanted;
}

/// The levels of one element type, in the order of Level.
template <class T>
const TileKernels<T>& choose(const TileLevel<T>* const (&levels)[3], int64_t columns) {
  static const Level level = chosen_level();
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
