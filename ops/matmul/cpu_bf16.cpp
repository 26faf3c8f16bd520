#include <algorithm>
#include <vector>

#include "ops/matmul/bf16.h"

namespace lacuna::kernels::reduced {
namespace {

const Unit* forced_unit = nullptr;

}  // namespace

ForceUnit::ForceUnit(const Unit& unit) { forced_unit = &unit; }
ForceUnit::~ForceUnit() { forced_unit = nullptr; }

#ifdef __x86_64__
const Unit* unit_for(const CpuStream& stream, bool worthwhile) {
  const CpuLevel level = cpu_level();
  if (stream.precision == Precision::highest || level < CpuLevel::avx512_bf16) return nullptr;
  if (forced_unit) return forced_unit;
  if (level == CpuLevel::amx) return &tile_unit;
  return stream.precision == Precision::medium || !worthwhile ? &dot_unit : nullptr;
}

void pack_right(const CpuStream& stream, const float* b, int64_t runs, int64_t depth, int64_t padded, int64_t columns,
                int64_t row_step, bf16* hi, bf16* lo) {
  const int64_t panels = (columns + panel_columns - 1) / panel_columns;
  parallel_for(stream, panels * runs, 8, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t panel = block / runs, run = block % runs, column = panel * panel_columns;
      const int64_t valid = std::min(panel_columns, columns - column), width = round_up(valid, 16);
      const float* rows = b + run * depth * row_step + column;
      int64_t at = panel * panel_columns * runs * padded + run * padded * width;
      for (int64_t k = 0; k < padded; k += 2, at += 2 * width) {
        const int64_t count = k < depth ? valid : 0;
        interleave(rows + k * row_step, k + 1 < depth ? rows + (k + 1) * row_step : nullptr, count, width, hi + at,
                   lo ? lo + at : nullptr);
      }
    }
  });
}

void matmul(const CpuStream& stream, const Unit& unit, const Tensor& a, const Tensor& b, const MatmulOptions& options,
            Tensor& y) {
  const int64_t m = y.dim(1), n = y.dim(2), k = a.dim(options.transpose_a ? 1 : 2);
  const bool split = stream.precision == Precision::high;
  const int64_t depth = round_up(k, unit.depth_block), size = right_size(depth, n), terms = split ? 2 : 1;
  Tensor packed({terms * size}, DType::bf16);
  bf16* right = packed.data<bf16>();
  bf16* right_low = split ? right + size : nullptr;

  // What a task packs at a time stays in the second-level cache. A transposed operand is read in columns, which few
  // rows' worth would make slow; one that is not is read best in whole rows. The gap between packed rows keeps them
  // from falling into the same sets of the cache.
  constexpr int64_t cache = int64_t{1} << 18, gap = 32;
  const int64_t depth_at_once = options.transpose_a ? 1024 : 4096;
  const int64_t deepest = std::min(depth, depth_at_once) + gap;
  const int64_t blocks = std::clamp<int64_t>(cache / (deepest * 2 * terms * unit.row_block), 1, 8);
  const int64_t rows = blocks * unit.row_block;
  const int64_t no_offset = 0;
  for (int64_t s = 0; s < y.dim(0); ++s) {
    const auto matrix = [&](const Tensor& t) {
      return t.data<float>() + (t.dim(0) == 1 ? 0 : s) * t.dim(1) * t.dim(2);
    };
    const float* left = matrix(a);
    if (s == 0 || b.dim(0) > 1) {
      if (options.transpose_b) {
        parallel_for(stream, (n + panel_columns - 1) / panel_columns, 1, [&](int64_t begin, int64_t end) {
          for (int64_t panel = begin; panel < end; ++panel) {
            const int64_t column = panel * panel_columns, valid = std::min(panel_columns, n - column);
            const int64_t at = column * depth;
            interleave_columns(matrix(b) + column * k, k, valid, k, depth, round_up(valid, 16), right + at,
                               split ? right_low + at : nullptr);
          }
        });
      } else {
        pack_right(stream, matrix(b), 1, k, depth, n, n, right, right_low);
      }
    }
    parallel_for(stream, m, rows, [&](int64_t begin, int64_t end) {
      const int64_t plane = rows * deepest;
      Tensor block({terms * plane}, DType::bf16);
      bf16* hi = block.data<bf16>();
      bf16* lo = split ? hi + plane : nullptr;
      const Strip strip{hi, y.data<float>() + (s * m + begin) * n, end - begin};
      std::vector<const float*> sources;
      for (int64_t k0 = 0; k0 < k; k0 += depth_at_once) {
        const int64_t count = std::min(depth_at_once, k - k0), padded = round_up(count, unit.depth_block);
        const int64_t step = padded + gap;
        if (options.transpose_a) {
          sources.clear();
          for (int64_t p = k0; p < k0 + count; ++p) sources.push_back(left + p * m + begin);
          transpose(sources.data(), count, end - begin, padded, step, hi, lo);
        } else {
          for (int64_t i = begin; i < end; ++i) {
            bf16* row = hi + (i - begin) * step;
            convert(left + i * k + k0, count, row, lo ? row + plane : nullptr);
            std::fill(row + count, row + padded, bf16());
            if (lo) std::fill(row + plane + count, row + plane + padded, bf16());
          }
        }
        unit.multiply({.left_step = step,
                       .left_low = plane,
                       .offsets = &no_offset,
                       .runs = 1,
                       .depth = padded,
                       .right = right,
                       .right_low = size,
                       .right_row = k0,
                       .right_run = padded,
                       .panel_step = panel_columns * depth,
                       .columns = n,
                       .split = split,
                       .out_step = n,
                       .finish = {.add = k0 > 0}},
                      &strip, 1);
      }
      if (k == 0) std::fill(strip.out, strip.out + strip.rows * n, 0.0f);
    });
  }
}
#else
const Unit* unit_for(const CpuStream&, bool) { return nullptr; }
void pack_right(const CpuStream&, const float*, int64_t, int64_t, int64_t, int64_t, int64_t, bf16*, bf16*) {}
void matmul(const CpuStream&, const Unit&, const Tensor&, const Tensor&, const MatmulOptions&, Tensor&) {}
#endif

}  // namespace lacuna::kernels::reduced
