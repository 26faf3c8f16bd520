// Compiled for AMX: nothing here may be shared with other files.
#ifdef __AMX_BF16__
#include <immintrin.h>

#define LACUNA_VECTOR_BYTES 64
#include "ops/matmul/cpu_bf16_tiles.inc"

namespace lacuna::kernels::reduced {
namespace {

/// The memory that ldtilecfg reads: all eight tiles of 16 rows by 64 bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileConfig config;

// The intrinsics take the tiles' numbers as literals: sums (r, c) in 2 r + c, left r in 4 + r, right c in 6 + c. They
// do not tell the compiler that they read memory, hence the fences.
struct AmxTiles {
  static void fence() { asm volatile("" ::: "memory"); }

  static void configure() {
    fence();
    _tile_loadconfig(&config);
  }
  static void release() { _tile_release(); }

  template <int r, int c>
  static void zero() {
    fence();
    if constexpr (r == 0 && c == 0) _tile_zero(0);
    if constexpr (r == 0 && c == 1) _tile_zero(1);
    if constexpr (r == 1 && c == 0) _tile_zero(2);
    if constexpr (r == 1 && c == 1) _tile_zero(3);
  }

  template <int r>
  static void load_left(const void* p, int64_t step) {
    if constexpr (r == 0) _tile_loadd(4, p, step);
    if constexpr (r == 1) _tile_loadd(5, p, step);
  }

  template <int c>
  static void load_right(const void* p, int64_t step) {
    if constexpr (c == 0) _tile_loadd(6, p, step);
    if constexpr (c == 1) _tile_loadd(7, p, step);
  }

  template <int r, int c>
  static void multiply() {
    if constexpr (r == 0 && c == 0) _tile_dpbf16ps(0, 4, 6);
    if constexpr (r == 0 && c == 1) _tile_dpbf16ps(1, 4, 7);
    if constexpr (r == 1 && c == 0) _tile_dpbf16ps(2, 5, 6);
    if constexpr (r == 1 && c == 1) _tile_dpbf16ps(3, 5, 7);
  }

  template <int r, int c>
  static void store(void* p, int64_t step) {
    if constexpr (r == 0 && c == 0) _tile_stored(0, p, step);
    if constexpr (r == 0 && c == 1) _tile_stored(1, p, step);
    if constexpr (r == 1 && c == 0) _tile_stored(2, p, step);
    if constexpr (r == 1 && c == 1) _tile_stored(3, p, step);
  }
};

}  // namespace

const Unit tile_unit{"tiles of bf16", 32, 32, multiply_tiles<AmxTiles>};

}  // namespace lacuna::kernels::reduced
#endif
