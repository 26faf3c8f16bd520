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

}  // namespace

template <>
const TileKernels<float>& tile_kernels<float>() {
#ifdef __x86_64__
  static const Level level = chosen_level();
  if (level == Level::avx512) return avx512_f32;
  if (level == Level::avx2) return avx2_f32;
#endif
  return portable_f32;
}

template <>
const TileKernels<double>& tile_kernels<double>() {
#ifdef __x86_64__
  static const Level level = chosen_level();
  if (level == Level::avx512) return avx512_f64;
  if (level == Level::avx2) return avx2_f64;
#endif
  return portable_f64;
}

}  // namespace lacuna::kernels
