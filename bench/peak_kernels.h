#pragma once

#include <cstdint>

/// Loops of multiply-adds on registers alone: as fast as the units go. Each makes `rounds` rounds and returns the
/// floating-point operations of one, a multiply-add being two.
namespace lacuna::bench {

using PeakKernel = double (*)(int64_t rounds);

/// By the compiler, as the program is compiled for the CPU that all have.
double peak_f32_portable(int64_t rounds);
#ifdef __x86_64__
// Only for CPUs that have the instructions.
double peak_f32_avx2(int64_t rounds);
double peak_f32_avx512(int64_t rounds);
/// Products of bf16 pairs added in f32: vdpbf16ps.
double peak_bf16_pairs(int64_t rounds);
/// Tiles of them: tdpbf16ps.
double peak_bf16_tiles(int64_t rounds);
#endif

}  // namespace lacuna::bench
