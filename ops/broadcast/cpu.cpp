#include <algorithm>

#include "ops/broadcast/kernels.h"
#include "ops/broadcast/row_sums.h"
#include "ops/broadcast/stretch.h"
#include "tensor/cpu_level.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
namespace {

constexpr int64_t block_elements = 1 << 14;  // read for one partial sum
constexpr int64_t tile = 512;                // columns summed side by side
constexpr int64_t lanes = 128;               // partial sums kept so that narrow rows use whole vectors

template <class T>
AddRows<T> of_level(AddRows<T> portable, [[maybe_unused]] AddRows<T> avx2, [[maybe_unused]] AddRows<T> avx512) {
#ifdef __x86_64__
  if (cpu_level() >= CpuLevel::avx512) return avx512;
  if (cpu_level() >= CpuLevel::avx2) return avx2;
#endif
  return portable;
}

AddRows<float> add_rows(float) { return of_level(add_rows_portable_f32, add_rows_avx2_f32, add_rows_avx512_f32); }
AddRows<double> add_rows(double) { return of_level(add_rows_portable_f64, add_rows_avx2_f64, add_rows_avx512_f64); }

/// out[c] = sum over `rows` rows of x[r * stride + c], for `width` <= tile columns.
template <class T>
void sum_rows(const T* x, int64_t rows, int64_t stride, int64_t width, double* out) {
  if (width == 1 && rows <= 16) {
    double total = 0;
    for (int64_t r = 0; r < rows; ++r) total += static_cast<double>(x[r * stride]);
    *out = total;
    return;
  }
  const AddRows<T> add = add_rows(T{});
  // Rows that follow each other in memory are taken several at a time, as one longer row.
  const int64_t packed = stride == width ? std::max<int64_t>(1, std::min(lanes / width, rows / 4)) : 1;
  double sums[tile];
  const int64_t packed_width = packed * width, steps = rows / packed;
  std::fill_n(sums, packed_width, 0.0);
  add(x, steps, packed * stride, packed_width, sums);
  add(x + steps * packed * stride, rows - steps * packed, stride, width, sums);
  for (int64_t c = 0; c < width; ++c) {
    double total = sums[c];
    for (int64_t p = 1; p < packed; ++p) total += sums[p * width + c];
    out[c] = total;
  }
}

/// A tensor seen as (outer, summed, inner), the middle axis to be summed away.
struct Fold {
  int64_t outer, summed, inner;

  int64_t columns() const { return std::max<int64_t>(1, std::min(inner, tile)); }
  int64_t rows_per_block() const { return std::max<int64_t>(64, block_elements / columns()); }
  int64_t blocks() const { return std::max<int64_t>(1, (summed + rows_per_block() - 1) / rows_per_block()); }
};

/// x (outer, summed, inner) -> partial sums (outer, blocks, inner) over fixed blocks of rows.
template <class T>
void sum_blocks(const CpuStream& stream, const T* x, const Fold& fold, double* partial) {
  if (fold.outer * fold.inner == 0) return;
  const int64_t columns = fold.columns(), tiles = (fold.inner + columns - 1) / columns;
  const int64_t blocks = fold.blocks(), rows = fold.rows_per_block();
  const int64_t work = std::max<int64_t>(1, std::min(fold.summed, rows) * columns);
  parallel_for(stream, fold.outer * blocks * tiles, std::max<int64_t>(1, block_elements / work),
               [=](int64_t begin, int64_t end) {
                 for (int64_t task = begin; task < end; ++task) {
                   const int64_t column = task % tiles * columns;
                   const int64_t block = task / tiles % blocks, outer = task / tiles / blocks;
                   const int64_t first = block * rows;
                   sum_rows(x + (outer * fold.summed + first) * fold.inner + column,
                            std::min(rows, fold.summed - first), fold.inner, std::min(columns, fold.inner - column),
                            partial + (outer * blocks + block) * fold.inner + column);
                 }
               });
}

}  // namespace

void broadcast_to(const CpuStream& stream, const Tensor& x, Tensor& y) {
  const Stretch<1> stretch(y.shape(), {x.shape()});
  const bool copies = stretch.stride(0, stretch.rank() - 1) == 1;
  visit_float(x.dtype(), "broadcast_to", [&]<class T>(T) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    stretch.for_each_run(stream, [=](int64_t begin, int64_t length, const auto& offsets) {
      if (copies) {
        std::copy_n(from + offsets[0], length, to + begin);
      } else {
        std::fill_n(to + begin, length, from[offsets[0]]);
      }
    });
  });
}

// One merged axis after the other, each in rounds of fixed blocks until one sum is left; all in double.
void sum_to(const CpuStream& stream, const Tensor& x, Tensor& y) {
  const Stretch<1> stretch(x.shape(), {y.shape()});
  Tensor sums = x;
  int64_t outer = 1, inner = x.numel();
  for (int axis = 0; axis < stretch.rank(); ++axis) {
    int64_t summed = stretch.extent(axis);
    inner = 1;
    for (int after = axis + 1; after < stretch.rank(); ++after) inner *= stretch.extent(after);
    if (stretch.stride(0, axis) != 0) {
      outer *= summed;
      continue;
    }
    while (summed != 1) {
      const Fold fold{outer, summed, inner};
      Tensor partial({outer, fold.blocks(), inner}, DType::f64, x.device());
      visit_float(sums.dtype(), "sum_to",
                  [&]<class T>(T) { sum_blocks(stream, sums.data<T>(), fold, partial.data<double>()); });
      sums = partial;
      summed = fold.blocks();
    }
  }
  visit_float(sums.dtype(), "sum_to", [&]<class From>(From) {
    visit_float(y.dtype(), "sum_to", [&]<class To>(To) {
      for_each(stream, y.numel(),
               [from = sums.data<From>(), to = y.data<To>()](int64_t i) { to[i] = static_cast<To>(from[i]); });
    });
  });
}

}  // namespace lacuna::kernels
