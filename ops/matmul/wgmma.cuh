#pragma once

#include "tensor/cuda.h"
#include "tensor/dtype.h"

/// The tensor units' instructions that a warpgroup (four warps) issues together, for devices of compute capability 9.0
/// and programs compiled for sm_90a; elsewhere they stop the program. PTX ISA, "Asynchronous Warpgroup Level Matrix
/// Instructions".
namespace lacuna::warpgroup {

/// Where an operand lies in shared memory: the PTX ISA's matrix descriptor. Along its lines of 128 or 64 bytes, whose
/// pieces are swizzled, runs the depth; or the other axis ("transposed"), and then a panel holds line_bytes / 2 rows or
/// columns.
struct Operand {
  uint64_t bits;

  /// At `offset` bytes from the first tile's beginning, a multiple of 1024 bytes.
  template <int line_bytes>
  __device__ static Operand at(const unsigned char* tile, int offset, int panel_bytes) {
    static_assert(line_bytes == 128 || line_bytes == 64);
    constexpr uint64_t swizzle = line_bytes == 128 ? 1 : 2, eight_lines = 8 * line_bytes;
    const uint64_t address = address_of(tile) + static_cast<uint32_t>(offset);
    return {(address & 0x3ffff) >> 4 | static_cast<uint64_t>(panel_bytes) >> 4 << 16 | eight_lines >> 4 << 32 |
            swizzle << 62};
  }

 private:
#ifdef LACUNA_CUDA_EMULATED
  static uint32_t address_of(const unsigned char* p) { return static_cast<uint32_t>(p - emulator::dynamic_shared()); }
#else
  __device__ static uint32_t address_of(const unsigned char* p) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(p));
  }
#endif
};

#ifdef LACUNA_CUDA_EMULATED

/// What this thread has copied to shared memory is there for multiply() after the next barrier.
inline void publish() {}
/// Before the first multiply() of the sums c that follow what wrote them last.
template <int tiles, int columns>
void begin(float (&)[tiles][columns][4]) {}
/// c (64 x columns) += A (64 x 16) B (16 x columns) in bf16 with f32 sums, done when it is waited for. Warp w of four
/// holds rows 16 w + [0, 16), with the fragments of warp::mma_bf16 side by side.
template <int columns, bool a_transposed, bool b_transposed>
void multiply(float (&c)[columns / 8][4], Operand a, Operand b) {
  emulator::warpgroup_multiply(&c[0][0], columns, a.bits, a_transposed, b.bits, b_transposed);
}
/// Makes those issued since the last call a group.
inline void commit() {}
/// Until all groups are done, and with them the sums c.
template <int tiles, int columns>
void wait(float (&)[tiles][columns][4]) {
  emulator::warpgroup_wait();
}

#elif defined(__CUDA_ARCH_FEAT_SM90_ALL)

__device__ inline void publish() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
__device__ inline void commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

/// Keeps what is done to these registers before from what is done after.
template <int tiles, int columns>
__device__ void pin(float (&c)[tiles][columns][4]) {
#pragma unroll
  for (int i = 0; i < tiles; ++i) {
#pragma unroll
    for (int j = 0; j < columns; ++j) {
      asm volatile("" : "+f"(c[i][j][0]), "+f"(c[i][j][1]), "+f"(c[i][j][2]), "+f"(c[i][j][3])::"memory");
    }
  }
}

template <int tiles, int columns>
__device__ void begin(float (&c)[tiles][columns][4]) {
  pin(c);
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

template <int tiles, int columns>
__device__ void wait(float (&c)[tiles][columns][4]) {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  pin(c);
}

#define LACUNA_SUMS(j) "+f"(c[j][0]), "+f"(c[j][1]), "+f"(c[j][2]), "+f"(c[j][3])

template <int columns, bool a_transposed, bool b_transposed>
__device__ void multiply(float (&c)[columns / 8][4], Operand a, Operand b) {
  static_assert(columns == 128 || columns == 64 || columns == 32);
  if constexpr (columns == 128) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
        "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,"
        "%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, %64, %65, 1, 1, 1, %66, "
        "%67;"
        : LACUNA_SUMS(0), LACUNA_SUMS(1), LACUNA_SUMS(2), LACUNA_SUMS(3), LACUNA_SUMS(4), LACUNA_SUMS(5),
          LACUNA_SUMS(6), LACUNA_SUMS(7), LACUNA_SUMS(8), LACUNA_SUMS(9), LACUNA_SUMS(10), LACUNA_SUMS(11),
          LACUNA_SUMS(12), LACUNA_SUMS(13), LACUNA_SUMS(14), LACUNA_SUMS(15)
        : "l"(a.bits), "l"(b.bits), "n"(a_transposed), "n"(b_transposed));
  } else if constexpr (columns == 64) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
        "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, 1, 1, 1, %34, %35;"
        : LACUNA_SUMS(0), LACUNA_SUMS(1), LACUNA_SUMS(2), LACUNA_SUMS(3), LACUNA_SUMS(4), LACUNA_SUMS(5),
          LACUNA_SUMS(6), LACUNA_SUMS(7)
        : "l"(a.bits), "l"(b.bits), "n"(a_transposed), "n"(b_transposed));
  } else {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, "
        "%16, %17, 1, 1, 1, %18, %19;"
        : LACUNA_SUMS(0), LACUNA_SUMS(1), LACUNA_SUMS(2), LACUNA_SUMS(3)
        : "l"(a.bits), "l"(b.bits), "n"(a_transposed), "n"(b_transposed));
  }
}

#undef LACUNA_SUMS

#else

__device__ inline void publish() { __trap(); }
template <int tiles, int columns>
__device__ void begin(float (&)[tiles][columns][4]) {
  __trap();
}
template <int columns, bool a_transposed, bool b_transposed>
__device__ void multiply(float (&)[columns / 8][4], Operand, Operand) {
  __trap();
}
__device__ inline void commit() { __trap(); }
template <int tiles, int columns>
__device__ void wait(float (&)[tiles][columns][4]) {
  __trap();
}

#endif

}  // namespace lacuna::warpgroup
