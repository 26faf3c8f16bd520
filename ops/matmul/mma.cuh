#pragma once

#include "tensor/cuda.h"
#include "tensor/dtype.h"

/// The tensor units' instructions that a warp issues together, for compute capability 8.0 and above; below that they
/// stop the program. Fragment layouts: PTX ISA, "Matrix fragments for mma.m16n8k16" and "ldmatrix". With g = lane / 4
/// and t = lane % 4:
///   A (16 x 16): register i holds row g + 8 (i % 2), columns 2t + 8 (i / 2) and the next.
///   B (16 x 8):  register i holds rows 2t + 8 i and the next, column g.
///   C (16 x 8):  element i is row g + 8 (i / 2), column 2t + i % 2.
namespace lacuna::warp {

#ifdef LACUNA_CUDA_EMULATED

/// Two numbers rounded to bf16, the first in the lower half.
inline uint32_t pack_bf16(float first, float second) {
  return bf16(first).bits | static_cast<uint32_t>(bf16(second).bits) << 16;
}

/// c += A B in bf16 with f32 sums.
inline void mma_bf16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  struct Fragments {
    uint32_t a[4], b[2];
  } own{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  const auto* all = reinterpret_cast<const Fragments*>(emulator::warp_exchange(&own, sizeof(own)));
  const auto half = [](uint32_t pair, unsigned index) {
    return __builtin_bit_cast(float, index ? pair & 0xffff0000u : pair << 16);
  };
  const unsigned lane = emulator::lane();
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const float left = half(all[row % 8 * 4 + k % 8 / 2].a[row / 8 + k / 8 * 2], k % 2);
      const float right = half(all[column * 4 + k % 8 / 2].b[k / 8], k % 2);
      c[i] = std::fma(left, right, c[i]);
    }
  }
}

/// Four 8 x 8 matrices of 16-bit elements from shared memory. Lane l gives the address of row l % 8 of matrix l / 8; of
/// each it gets row l / 4, columns 2 (l % 4) and the next; `transposed`: of the transposed matrix.
template <bool transposed>
void load_matrices(uint32_t (&r)[4], const void* row) {
  const auto address = reinterpret_cast<uintptr_t>(row);
  if (address % 16 != 0) throw std::logic_error("a row of a matrix is not aligned to 16 bytes");
  const auto* rows = reinterpret_cast<const uintptr_t*>(emulator::warp_exchange(&address, sizeof(address)));
  const unsigned lane = emulator::lane();
  for (unsigned m = 0; m < 4; ++m) {
    uint32_t pair = 0;
    for (unsigned e = 0; e < 2; ++e) {
      const unsigned i = lane / 4, j = lane % 4 * 2 + e;
      const auto* elements = reinterpret_cast<const uint16_t*>(rows[m * 8 + (transposed ? j : i)]);
      pair |= static_cast<uint32_t>(elements[transposed ? i : j]) << 16 * e;
    }
    r[m] = pair;
  }
}

#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

__device__ inline uint32_t pack_bf16(float first, float second) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

__device__ inline void mma_bf16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

template <bool transposed>
__device__ void load_matrices(uint32_t (&r)[4], const void* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
  }
}

#else

__device__ inline uint32_t pack_bf16(float, float) {
  __trap();
  return 0;
}
__device__ inline void mma_bf16(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2]) { __trap(); }
template <bool transposed>
__device__ void load_matrices(uint32_t (&)[4], const void*) {
  __trap();
}

#endif

}  // namespace lacuna::warp
