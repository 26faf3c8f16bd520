#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "emulator/cuda_runtime.h"
#include "emulator/state.h"

namespace lacuna::emulator {
namespace {

constexpr int depth = 16;

/// A matrix descriptor, taken apart (PTX ISA, "Matrix Descriptor Format").
struct Descriptor {
  uint32_t start, leading, stride;
  uint32_t line_bytes;

  explicit Descriptor(uint64_t bits)
      : start(field(bits, 0)), leading(field(bits, 16)), stride(field(bits, 32)), line_bytes(0) {
    const auto swizzle = static_cast<unsigned>(bits >> 62);
    if (swizzle != 1 && swizzle != 2) throw std::logic_error("the emulator has 128- and 64-byte swizzling alone");
    line_bytes = swizzle == 1 ? 128 : 64;
  }

  /// Element (i, k) of the operand, i along its rows or columns.
  float element(bool transposed, uint32_t i, uint32_t k) const {
    const uint32_t in_line = line_bytes / 2;
    const uint32_t at = transposed ? i / in_line * leading + k / 8 * stride + k % 8 * line_bytes + i % in_line * 2
                                   : i / 8 * stride + i % 8 * line_bytes + k * 2;
    const uint32_t plain = start + at, mask = line_bytes / 16 - 1;
    uint16_t half;
    std::memcpy(&half, dynamic_shared() + (plain ^ ((plain >> 7 & mask) << 4)), sizeof(half));
    return std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
  }

 private:
  static uint32_t field(uint64_t bits, int from) { return static_cast<uint32_t>(bits >> from & 0x3fff) << 4; }
};

/// What this thread reads for one product.
struct Operands {
  Descriptor a, b;
  bool a_transposed, b_transposed;
  int columns;
  uint32_t thread;  // of the warpgroup

  uint32_t row(int i) const { return thread / 32 * 16 + thread % 32 / 4 + static_cast<uint32_t>(i) * 8; }
  uint32_t column(int j) const { return static_cast<uint32_t>(j / 2 * 8 + j % 2) + thread % 4 * 2; }

  std::vector<float> read() const {
    std::vector<float> values;
    values.reserve(static_cast<size_t>((2 + columns / 4) * depth));
    for (int i = 0; i < 2; ++i) {
      for (uint32_t k = 0; k < depth; ++k) values.push_back(a.element(a_transposed, row(i), k));
    }
    for (int j = 0; j < columns / 4; ++j) {
      for (uint32_t k = 0; k < depth; ++k) values.push_back(b.element(b_transposed, column(j), k));
    }
    return values;
  }
};

}  // namespace

void warpgroup_multiply(float* c, int columns, uint64_t a, bool a_transposed, uint64_t b, bool b_transposed) {
  const Operands operands{Descriptor(a), Descriptor(b), a_transposed, b_transposed, columns, self().index.x % 128};
  defer([=, values = operands.read()] {
    const std::vector<float> now = operands.read();
    if (std::memcmp(now.data(), values.data(), values.size() * sizeof(float)) != 0) {
      throw std::logic_error("an operand of a warpgroup's product was overwritten before it was done");
    }
    for (int j = 0; j < columns / 4; ++j) {
      for (int i = 0; i < 2; ++i) {
        float& sum = c[j / 2 * 4 + i * 2 + j % 2];
        const float *left = values.data() + i * depth, *right = values.data() + (2 + j) * depth;
        for (int k = 0; k < depth; ++k) sum = std::fma(left[k], right[k], sum);
      }
    }
  });
}

void warpgroup_wait() { run_deferred(); }

}  // namespace lacuna::emulator
