#include <algorithm>

#include "ops/diagonal/kernels.h"

namespace lacuna::kernels {
namespace {

/// y[i] += x[i] + x[i + step] + ...: `count` terms, added from the left.
template <int count, class T>
void add_terms(T* __restrict y, const T* __restrict x, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    T sum = y[i];
    for (int k = 0; k < count; ++k) sum += x[i + k * step];
    y[i] = sum;
  }
}

template <class T>
void add_terms(T* y, const T* x, int64_t step, int64_t count, int64_t n) {
  for (; count >= 3; count -= 3, x += 3 * step) add_terms<3>(y, x, step, n);
  if (count == 2) add_terms<2>(y, x, step, n);
  if (count == 1) add_terms<1>(y, x, step, n);
}

/// y[j] += sum over d in [lo, hi] with 0 <= j + d < n of x[d * step + j + d]: one row of background positions and one
/// row of shifts. In the middle all shifts stay inside; at the ends each element has its own.
template <class T>
void add_row(T* y, const T* x, int64_t step, int64_t lo, int64_t hi, int64_t n) {
  const int64_t middle = std::clamp<int64_t>(-lo, 0, n), end = std::clamp<int64_t>(n - hi, middle, n);
  const auto add_end = [&](int64_t j) {
    const int64_t first = std::max(lo, -j), last = std::min(hi, n - 1 - j);
    for (int64_t d = first; d <= last; ++d) y[j] += x[d * step + j + d];
  };
  for (int64_t j = 0; j < middle; ++j) add_end(j);
  if (middle < end) add_terms(y + middle, x + lo * (step + 1) + middle, step + 1, hi - lo + 1, end - middle);
  for (int64_t j = end; j < n; ++j) add_end(j);
}

}  // namespace

void diagonal_sum(const CpuStream& stream, const Tensor& x, const ShiftRange& shifts, Tensor& y) {
  const int64_t h = x.dim(1), w = x.dim(2), H = x.dim(3), W = x.dim(4);
  const int64_t plane = H * W, positions = x.dim(0) * h * w;
  if (x.numel() == 0) return;
  visit_float(x.dtype(), "diagonal_sum", [&]<class T>(T) {
    const int64_t grain = std::max<int64_t>(1, (1 << 15) / plane);  // neighbours read the same planes
    parallel_for(stream, positions, grain, [&, from = x.data<T>(), to = y.data<T>()](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t r = i / w % h, c = i % w;
        const int64_t col_lo = std::max(shifts.col_lo, -c), col_hi = std::min(shifts.col_hi, w - 1 - c);
        for (int64_t R = 0; R < H; ++R) {
          T* row = to + i * plane + R * W;
          std::fill_n(row, W, T(0));
          if (col_lo > col_hi) continue;
          const int64_t row_lo = std::max({shifts.row_lo, -r, -R});
          const int64_t row_hi = std::min({shifts.row_hi, h - 1 - r, H - 1 - R});
          for (int64_t d = row_lo; d <= row_hi; ++d) {
            add_row(row, from + (i + d * w) * plane + (R + d) * W, plane, col_lo, col_hi, W);
          }
        }
      }
    });
  });
}

}  // namespace lacuna::kernels
