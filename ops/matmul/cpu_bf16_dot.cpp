// Compiled for AVX-512 with bf16: nothing here may be shared with other files.
#ifdef __AVX512BF16__
#include <immintrin.h>

#define LACUNA_VECTOR_BYTES 64
#include "ops/matmul/cpu_bf16_finish.inc"

namespace lacuna::kernels::reduced {
namespace {

constexpr int max_rows = 14;  // two sums a row fill the registers

/// One tile: `rows` rows by `vectors` * 16 columns.
template <int rows, int vectors>
void tile(const Product& p, const bf16* left, const bf16* right, int64_t column, float* out) {
  __m512 sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[i][v] = _mm512_setzero_ps();
  }
  const int64_t step = p.left_step * 2;
  // The small products first: hi lo, lo hi, hi hi.
  for (int term = p.split ? 0 : 2; term < 3; ++term) {
    const char* a = reinterpret_cast<const char*>(left + (term == 1 ? p.left_low : 0));
    const bf16* first = right + (term == 0 ? p.right_low : 0);
    for (int64_t run = 0; run < p.runs; ++run) {
      const char* row = a + p.offsets[run] * 2;
      const char* b = reinterpret_cast<const char*>(first + run * p.right_run * 16 * vectors);
      for (int64_t k = 0; k < p.depth; k += 2, row += 4, b += 64 * vectors) {
        __m512bh pairs[vectors];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) pairs[v] = (__m512bh)_mm512_loadu_ps(b + 64 * v);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
          float pair;
          __builtin_memcpy(&pair, row + i * step, 4);
          const __m512bh factor = (__m512bh)_mm512_set1_ps(pair);
#pragma GCC unroll 2
          for (int v = 0; v < vectors; ++v) sum[i][v] = _mm512_dpbf16_ps(sum[i][v], factor, pairs[v]);
        }
      }
    }
  }
  const int64_t count = p.columns - column;
  const auto store_part = [](float* y, Vector<float> v, int64_t n) __attribute__((always_inline)) {
    _mm512_mask_storeu_ps(y, static_cast<__mmask16>((1u << n) - 1), (__m512)v);
  };
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
    float* y = out + i * p.out_step + column;
    finish_vector(p.finish, (Vector<float>)sum[i][0], column, count, y, store_part);
    if constexpr (vectors == 2) {
      finish_vector(p.finish, (Vector<float>)sum[i][1], column + 16, count - 16, y + 16, store_part);
    }
  }
}

using TileFunction = void (*)(const Product&, const bf16*, const bf16*, int64_t, float*);

template <int vectors>
constexpr TileFunction tiles[max_rows] = {tile<1, vectors>,  tile<2, vectors>,  tile<3, vectors>,  tile<4, vectors>,
                                          tile<5, vectors>,  tile<6, vectors>,  tile<7, vectors>,  tile<8, vectors>,
                                          tile<9, vectors>,  tile<10, vectors>, tile<11, vectors>, tile<12, vectors>,
                                          tile<13, vectors>, tile<14, vectors>};

void multiply(const Product& p, const Strip* strips, int64_t count) {
  const int64_t panels = (p.columns + panel_columns - 1) / panel_columns, group = panels_at_a_time(p);
  for (int64_t first = 0; first < panels; first += group) {
    const int64_t last = first + group < panels ? first + group : panels;
    for (int64_t s = 0; s < count; ++s) {
      // Tiles of about equal height, so that none is too low to fill the arithmetic pipelines.
      const int64_t rows = strips[s].rows, parts = (rows + max_rows - 1) / max_rows;
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t begin = part * rows / parts, height = (part + 1) * rows / parts - begin;
        for (int64_t panel = first; panel < last; ++panel) {
          const int64_t column = panel * panel_columns;
          const TileFunction* of = p.columns - column > 16 ? tiles<2> : tiles<1>;
          of[height - 1](p, strips[s].left + begin * p.left_step, right_of(p, panel), column,
                         strips[s].out + begin * p.out_step);
        }
      }
    }
  }
}

}  // namespace

const Unit dot_unit{"vectors of bf16 pairs", max_rows, 2, multiply};

}  // namespace lacuna::kernels::reduced
#endif
