#pragma once

#include <cmath>
#include <cstring>

#include "tensor/check.h"

#define LACUNA_VECTOR_BYTES 16
#include "ops/matmul/cpu_bf16_tiles.inc"

namespace lacuna::test {

/// AMX's tile operations in plain C++, as Intel's instruction set reference writes down TILELOADD, TDPBF16PS and
/// TILESTORED: the whole driver for AMX runs on any CPU that can pack. Throws where tiles are used before they are
/// configured.
class EmulatedTiles {
 public:
  static void configure() {
    check(!state().configured, "[emulated tiles] configured twice");
    state().configured = true;
  }
  static void release() { state().configured = false; }

  template <int r, int c>
  static void zero() {
    std::memset(tile(2 * r + c), 0, sizeof(Tile));
  }
  template <int r>
  static void load_left(const void* p, int64_t step) {
    load(tile(4 + r), p, step);
  }
  template <int c>
  static void load_right(const void* p, int64_t step) {
    load(tile(6 + c), p, step);
  }
  template <int r, int c>
  static void multiply() {
    dot(*tile(2 * r + c), *tile(4 + r), *tile(6 + c));
  }
  template <int r, int c>
  static void store(void* p, int64_t step) {
    for (int64_t i = 0; i < 16; ++i) std::memcpy(static_cast<char*>(p) + i * step, tile(2 * r + c)->bytes[i], 64);
  }

 private:
  struct Tile {
    unsigned char bytes[16][64];
  };
  struct State {
    bool configured = false;
    Tile tiles[8];
  };
  static State& state() {
    thread_local State own;
    return own;
  }
  static Tile* tile(int number) {
    check(state().configured, "[emulated tiles] used before they are configured");
    return &state().tiles[number];
  }
  static void load(Tile* t, const void* p, int64_t step) {
    for (int64_t i = 0; i < 16; ++i) std::memcpy(t->bytes[i], static_cast<const char*>(p) + i * step, 64);
  }

  /// Denormal numbers count as zero, in operands and results.
  static float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }
  static float half(const Tile& t, int row, int index) {
    uint16_t bits;
    std::memcpy(&bits, t.bytes[row] + 2 * index, 2);
    const uint32_t wide = uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &wide, 4);
    return flushed(value);
  }

  /// TDPBF16PS: sums over even and odd elements apart, both by fused multiply-add, added to each other and then to the
  /// destination.
  static void dot(Tile& sums, const Tile& a, const Tile& b) {
    for (int m = 0; m < 16; ++m) {
      for (int n = 0; n < 16; ++n) {
        float even = 0, odd = 0, sum;
        for (int k = 0; k < 16; ++k) {
          even = flushed(std::fma(half(a, m, 2 * k), half(b, k, 2 * n), even));
          odd = flushed(std::fma(half(a, m, 2 * k + 1), half(b, k, 2 * n + 1), odd));
        }
        std::memcpy(&sum, sums.bytes[m] + 4 * n, 4);
        sum = flushed(sum + flushed(even + odd));
        std::memcpy(sums.bytes[m] + 4 * n, &sum, 4);
      }
    }
  }
};

inline const kernels::reduced::Unit emulated_tile_unit{"emulated tiles", 32, 32,
                                                       kernels::reduced::multiply_tiles<EmulatedTiles>};

}  // namespace lacuna::test
