#include "bench/peak_kernels.h"

// Written in assembly, so that the sums are in registers and stay there, whatever the compiler thinks. Each sum's next
// addition waits for the one before, 3 to 7 cycles; so there are enough sums to fill two units meanwhile.
namespace lacuna::bench {

#ifdef __x86_64__

// SSE has no multiply-add, and its product takes the place of a factor, so a copy comes first.
#define LACUNA_ADD(product, sum) \
  "movaps %%xmm14, %%xmm" #product "\n mulps %%xmm15, %%xmm" #product "\n addps %%xmm" #product ", %%xmm" #sum "\n"

double peak_f32_portable(int64_t rounds) {
  asm volatile(
      "xorps %%xmm14, %%xmm14\n xorps %%xmm15, %%xmm15\n"
      "1:\n" LACUNA_ADD(10, 0) LACUNA_ADD(11, 1) LACUNA_ADD(12, 2) LACUNA_ADD(13, 3) LACUNA_ADD(10, 4) LACUNA_ADD(11, 5)
          LACUNA_ADD(12, 6) LACUNA_ADD(13, 7) LACUNA_ADD(10, 8) LACUNA_ADD(11, 9) "dec %0\n jnz 1b\n"
      : "+r"(rounds)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15");
  return 10 * 2 * 4;
}

// The vectors' upper parts are the same registers' as the xmm that the compiler is told of.
#define LACUNA_TWELVE(op, v, a, b)                                                                               \
  op " %%" v a ", %%" v b ", %%" v "0\n" op " %%" v a ", %%" v b ", %%" v "1\n" op " %%" v a ", %%" v b ", %%" v \
     "2\n" op " %%" v a ", %%" v b ", %%" v "3\n" op " %%" v a ", %%" v b ", %%" v "4\n" op " %%" v a ", %%" v b \
     ", %%" v "5\n" op " %%" v a ", %%" v b ", %%" v "6\n" op " %%" v a ", %%" v b ", %%" v "7\n" op " %%" v a   \
     ", %%" v b ", %%" v "8\n" op " %%" v a ", %%" v b ", %%" v "9\n" op " %%" v a ", %%" v b ", %%" v "10\n" op \
     " %%" v a ", %%" v b ", %%" v "11\n"

#define LACUNA_LOOP(op, v)                                                                                      \
  asm volatile("vzeroall\n 1:\n" LACUNA_TWELVE(op, v, "14", "15") "dec %0\n jnz 1b\n vzeroupper\n"              \
               : "+r"(rounds)                                                                                   \
               :                                                                                                \
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                 "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

double peak_f32_avx2(int64_t rounds) {
  LACUNA_LOOP("vfmadd231ps", "ymm");
  return 12 * 2 * 8;
}

double peak_f32_avx512(int64_t rounds) {
  LACUNA_LOOP("vfmadd231ps", "zmm");
  return 12 * 2 * 16;
}

double peak_bf16_pairs(int64_t rounds) {
  LACUNA_LOOP("vdpbf16ps", "zmm");
  return 12 * 2 * 2 * 16;
}

double peak_bf16_tiles(int64_t rounds) {
  struct alignas(64) Config {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
  const Config config;
  // Six sums, two factors. The compiler never uses tiles by itself, so it need not be told.
  asm volatile(
      "ldtilecfg %1\n"
      "tilezero %%tmm0\n tilezero %%tmm1\n tilezero %%tmm2\n tilezero %%tmm3\n"
      "tilezero %%tmm4\n tilezero %%tmm5\n tilezero %%tmm6\n tilezero %%tmm7\n"
      "1:\n"
      "tdpbf16ps %%tmm7, %%tmm6, %%tmm0\n tdpbf16ps %%tmm7, %%tmm6, %%tmm1\n"
      "tdpbf16ps %%tmm7, %%tmm6, %%tmm2\n tdpbf16ps %%tmm7, %%tmm6, %%tmm3\n"
      "tdpbf16ps %%tmm7, %%tmm6, %%tmm4\n tdpbf16ps %%tmm7, %%tmm6, %%tmm5\n"
      "dec %0\n jnz 1b\n"
      "tilerelease\n"
      : "+r"(rounds)
      : "m"(config)
      : "cc");
  return 6 * 2.0 * 16 * 16 * 32;
}

#else

double peak_f32_portable(int64_t rounds) {
  constexpr int sums = 48;
  float sum[sums] = {};
  volatile float factor = 0;
  const float a = factor, b = factor;
  for (int64_t r = 0; r < rounds; ++r) {
    for (float& s : sum) s = s * a + b;
  }
  float all = 0;
  for (const float s : sum) all += s;
  factor = all;
  return sums * 2;
}

#endif

}  // namespace lacuna::bench
