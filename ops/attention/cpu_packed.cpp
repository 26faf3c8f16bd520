#include <cstring>

#include "ops/attention/packed.h"
#include "ops/matmul/bf16.h"
#include "ops/matmul/kernels.h"
#include "ops/matmul/tile.h"

namespace lacuna::kernels::attention {
namespace {

// A panel of this depth stays in the first-level cache, and a block of some hundred rows of it in the second-level one.
constexpr int64_t depth_block = 256;

const reduced::Unit* unit_of(const void* unit) { return static_cast<const reduced::Unit*>(unit); }

}  // namespace

template <class T>
PackedMatrix<T>::PackedMatrix(const CpuStream& stream, int64_t depth, int64_t columns, const Rows& rows)
    : depth_(depth), columns_(columns), stream_{.threads = 1, .precision = stream.precision} {
  if (depth == 0 || columns == 0) return;
  if constexpr (std::is_same_v<T, float>) unit_ = reduced::unit_for(stream, true);
  const int64_t width = tile_kernels<T>(columns).columns;
  const int64_t padded = reduced::round_up(columns, unit_ ? 16 : width);
  // Blocks one after the other: of depth_block x padded elements, in reduced precision rounded up to whole units.
  if (unit_) {
    const int64_t terms = stream.precision == Precision::high ? 2 : 1;
    packed_ = Tensor({terms * reduced::round_up(depth, unit_of(unit_)->depth_block) * padded}, DType::bf16);
  } else {
    packed_ = Tensor({depth * padded}, dtype_of<T>());
  }
  const CpuStream alone = stream_;
  parallel_for(stream, depth, depth_block, [&](int64_t begin, int64_t end) {
    Tensor block({(end - begin) * columns}, dtype_of<T>());
    rows(begin, end, block.data<T>());
    if constexpr (std::is_same_v<T, float>) {
      if (unit_) {
        const int64_t inner = reduced::round_up(end - begin, unit_of(unit_)->depth_block);
        const int64_t low = packed_.numel() / 2;
        bf16* hi = packed_.data<bf16>() + begin * padded;
        bf16* lo = stream.precision == Precision::high ? hi + low : nullptr;
        return reduced::pack_right(alone, block.data<float>(), 1, end - begin, inner, columns, columns, hi, lo);
      }
    }
    pack_panels(alone, block.data<T>(), end - begin, columns, columns, 1, width, packed_.data<T>() + begin * padded);
  });
}

template <class T>
void PackedMatrix<T>::multiply(const T* a, int64_t a_step, int64_t rows, T* y, int64_t y_step) const {
  if (depth_ == 0) {
    for (int64_t i = 0; i < rows; ++i) std::fill_n(y + i * y_step, columns_, T(0));
    return;
  }
  if (unit_) return multiply_reduced(a, a_step, rows, y, y_step);
  const TileKernels<T>& tile = tile_kernels<T>(columns_);
  const int64_t padded = reduced::round_up(columns_, tile.columns);
  alignas(64) T out[max_tile];
  const T* left[max_tile];
  for (int64_t k0 = 0; k0 < depth_; k0 += depth_block) {
    const int64_t inner = std::min(depth_block, depth_ - k0);
    const T* panel = packed_.data<T>() + k0 * padded;
    for (int64_t j0 = 0; j0 < columns_; j0 += tile.columns, panel += inner * tile.columns) {
      const int64_t valid = std::min(tile.columns, columns_ - j0);
      for (int64_t i0 = 0; i0 < rows; i0 += tile.rows) {
        const int64_t count = std::min(tile.rows, rows - i0);
        for (int64_t i = 0; i < tile.rows; ++i) left[i] = a + (i0 + std::min(i, count - 1)) * a_step + k0;
        tile.by_rows(1, inner, left, panel, out);
        for (int64_t i = 0; i < count; ++i) {
          T* row = y + (i0 + i) * y_step + j0;
          const T* sums = out + i * tile.columns;
          if (k0 == 0) {
            std::copy_n(sums, valid, row);
          } else {
            for (int64_t j = 0; j < valid; ++j) row[j] += sums[j];
          }
        }
      }
    }
  }
}

template <class T>
void PackedMatrix<T>::multiply_reduced(const T* a, int64_t a_step, int64_t rows, T* y, int64_t y_step) const {
  if constexpr (std::is_same_v<T, float>) {
    const reduced::Unit& unit = *unit_of(unit_);
    const bool split = stream_.precision == Precision::high;
    const int64_t padded = reduced::round_up(columns_, 16), low = packed_.numel() / 2;
    constexpr int64_t gap = 32;  // keeps rows from falling into the same sets of the cache
    const int64_t step = reduced::round_up(std::min(depth_, depth_block), unit.depth_block) + gap;
    const int64_t plane = reduced::round_up(rows + unit.row_block, unit.row_block) * step;
    Tensor block({(split ? 2 : 1) * plane}, DType::bf16);
    bf16* hi = block.data<bf16>();
    std::memset(static_cast<void*>(hi), 0, static_cast<size_t>(block.nbytes()));
    const int64_t no_offset = 0;
    for (int64_t k0 = 0; k0 < depth_; k0 += depth_block) {
      const int64_t count = std::min(depth_block, depth_ - k0), inner = reduced::round_up(count, unit.depth_block);
      for (int64_t i = 0; i < rows; ++i) {
        bf16* row = hi + i * step;
        reduced::convert(a + i * a_step + k0, count, row, split ? row + plane : nullptr);
        std::fill(row + count, row + inner, bf16());
        if (split) std::fill(row + plane + count, row + plane + inner, bf16());
      }
      const reduced::Strip strip{hi, y, rows};
      unit.multiply({.left_step = step,
                     .left_low = plane,
                     .offsets = &no_offset,
                     .runs = 1,
                     .depth = inner,
                     .right = packed_.data<bf16>() + k0 * padded,
                     .right_low = low,
                     .right_row = 0,
                     .right_run = inner,
                     .panel_step = reduced::panel_columns * inner,
                     .columns = columns_,
                     .split = split,
                     .out_step = y_step,
                     .finish = {.add = k0 > 0}},
                    &strip, 1);
    }
  }
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace lacuna::kernels::attention
