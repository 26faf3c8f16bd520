// Compiled for AVX-512 with bf16: nothing here may be shared with other files.
#ifdef __AVX512BF16__
#include <immintrin.h>

#include "ops/matmul/bf16.h"

namespace lacuna::kernels::reduced {
namespace {

inline __mmask16 first_lanes(int64_t n) {
  return n >= 16 ? 0xffff : n <= 0 ? 0 : static_cast<__mmask16>((1u << n) - 1);
}

/// What rounding to bf16 leaves of x.
inline __m512 remainder(__m512 x) {
  const __m512i bits = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x));
  return _mm512_sub_ps(x, _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)));
}

/// bf16 of x0's lanes, then of x1's.
inline __m512i in_order(__m512 x0, __m512 x1) { return (__m512i)_mm512_cvtne2ps_pbh(x1, x0); }

/// bf16 of lane j of x0 beside that of x1.
inline __m512i side_by_side(__m512 x0, __m512 x1) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, in_order(x0, x1));
}

/// The 16 x 16 matrix of 32-bit elements in 16 vectors, transposed.
inline void transpose_16(__m512i (&m)[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(m[i], m[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(m[i], m[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    m[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    m[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    m[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    m[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // m[4 q + r] holds, in each quarter l, column 4 l + r of rows 4 q .. 4 q + 3.
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    const __m512i low01 = _mm512_shuffle_i32x4(m[r], m[4 + r], 0x44),
                  high01 = _mm512_shuffle_i32x4(m[r], m[4 + r], 0xee);
    const __m512i low23 = _mm512_shuffle_i32x4(m[8 + r], m[12 + r], 0x44),
                  high23 = _mm512_shuffle_i32x4(m[8 + r], m[12 + r], 0xee);
    t[r] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    t[4 + r] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
    t[8 + r] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    t[12 + r] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) m[i] = t[i];
}

}  // namespace

void convert(const float* x, int64_t n, bf16* hi, bf16* lo) {
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    const __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
    _mm256_mask_storeu_epi16(hi + i, mask, (__m256i)_mm512_cvtneps_pbh(v));
    if (lo) _mm256_mask_storeu_epi16(lo + i, mask, (__m256i)_mm512_cvtneps_pbh(remainder(v)));
  }
}

void interleave(const float* row0, const float* row1, int64_t n, int64_t padded, bf16* hi, bf16* lo) {
  for (int64_t j = 0; j < padded; j += 16) {
    const __mmask16 mask = first_lanes(n - j), out = first_lanes(padded - j);
    const __m512 v0 = _mm512_maskz_loadu_ps(mask, row0 + j);
    const __m512 v1 = row1 ? _mm512_maskz_loadu_ps(mask, row1 + j) : _mm512_setzero_ps();
    _mm512_mask_storeu_epi32(hi + 2 * j, out, side_by_side(v0, v1));
    if (lo) _mm512_mask_storeu_epi32(lo + 2 * j, out, side_by_side(remainder(v0), remainder(v1)));
  }
}

void transpose(const float* const* rows, int64_t count, int64_t columns, int64_t padded, int64_t step, bf16* hi,
               bf16* lo) {
  for (int64_t r0 = 0; r0 < padded; r0 += 32) {
    const __mmask16 pairs = first_lanes((padded - r0) / 2);
    for (int64_t c0 = 0; c0 < columns; c0 += 16) {
      const __mmask16 mask = first_lanes(columns - c0);
      const int64_t valid = columns - c0 < 16 ? columns - c0 : 16;
      __m512i m[16], low[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) {
        const int64_t r = r0 + 2 * i;
        const __m512 v0 = r < count ? _mm512_maskz_loadu_ps(mask, rows[r] + c0) : _mm512_setzero_ps();
        const __m512 v1 = r + 1 < count ? _mm512_maskz_loadu_ps(mask, rows[r + 1] + c0) : _mm512_setzero_ps();
        m[i] = side_by_side(v0, v1);
        if (lo) low[i] = side_by_side(remainder(v0), remainder(v1));
      }
      transpose_16(m);
      for (int64_t c = 0; c < valid; ++c) _mm512_mask_storeu_epi32(hi + (c0 + c) * step + r0, pairs, m[c]);
      if (lo) {
        transpose_16(low);
        for (int64_t c = 0; c < valid; ++c) _mm512_mask_storeu_epi32(lo + (c0 + c) * step + r0, pairs, low[c]);
      }
    }
  }
}

void interleave_columns(const float* x, int64_t row_step, int64_t count, int64_t n, int64_t depth, int64_t padded,
                        bf16* hi, bf16* lo) {
  for (int64_t j0 = 0; j0 < padded; j0 += 16) {
    for (int64_t k0 = 0; k0 < depth; k0 += 32) {
      const __mmask16 mask0 = first_lanes(n - k0), mask1 = first_lanes(n - k0 - 16);
      const int64_t pairs = depth - k0 < 32 ? (depth - k0) / 2 : 16;
      __m512i m[16], low[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) {
        const bool valid = j0 + i < count;
        const float* row = x + (valid ? j0 + i : 0) * row_step + k0;
        const __m512 v0 = _mm512_maskz_loadu_ps(valid ? mask0 : 0, row);
        const __m512 v1 = _mm512_maskz_loadu_ps(valid ? mask1 : 0, row + 16);
        m[i] = in_order(v0, v1);
        if (lo) low[i] = in_order(remainder(v0), remainder(v1));
      }
      transpose_16(m);
      for (int64_t q = 0; q < pairs; ++q) _mm512_storeu_si512(hi + ((k0 / 2 + q) * padded + j0) * 2, m[q]);
      if (lo) {
        transpose_16(low);
        for (int64_t q = 0; q < pairs; ++q) _mm512_storeu_si512(lo + ((k0 / 2 + q) * padded + j0) * 2, low[q]);
      }
    }
  }
}

}  // namespace lacuna::kernels::reduced
#endif
