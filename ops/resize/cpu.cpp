#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/resize/functors.h"
#include "ops/resize/kernels.h"

namespace lacuna::kernels {
namespace {

using functors::BilinearTap;

/// Rows of an image batch that make up about 16 K elements.
int64_t row_grain(const Tensor& x) {
  return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, x.dim(2) * x.dim(3)));
}

std::vector<int64_t> sources(int64_t in, int64_t out, bool align_corners) {
  std::vector<int64_t> source(out);
  for (int64_t i = 0; i < out; ++i) source[i] = functors::nearest_source(i, in, out, align_corners);
  return source;
}

/// Positions [first[s], first[s + 1]) read source s.
std::vector<int64_t> firsts(int64_t in, int64_t out, bool align_corners) {
  std::vector<int64_t> first(in + 1);
  for (int64_t s = 0; s <= in; ++s) first[s] = functors::nearest_first(s, in, out, align_corners);
  return first;
}

template <class T>
void add(T* __restrict y, const T* __restrict x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

template <class T>
void add_pair(T* __restrict y, const T* __restrict a, const T* __restrict b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += a[i] + b[i];
}

template <class T>
void add_scaled(T* __restrict y, const T* __restrict x, T factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

/// One axis of a bilinear resize: the tap of each position and, for the adjoint, which positions touch source s:
/// [begin[s], end[s]).
struct BilinearAxis {
  std::vector<BilinearTap> taps;
  std::vector<int64_t> begin, end;

  BilinearAxis(int64_t in, int64_t out, bool align_corners) : begin(in, out), end(in, 0) {
    for (int64_t i = 0; i < out; ++i) {
      taps.push_back(functors::bilinear_tap(i, in, out, align_corners));
      for (const int64_t s : {taps[i].lo, taps[i].hi}) {
        begin[s] = std::min(begin[s], i);
        end[s] = std::max(end[s], i + 1);
      }
    }
  }
};

}  // namespace

void resize_nearest(const CpuStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y) {
  const int64_t h = x.dim(1), w = x.dim(2), y_h = y.dim(1), y_w = y.dim(2);
  const size_t pixel = static_cast<size_t>(x.dim(3) * size_of(x.dtype())), row_bytes = y_w * pixel;
  const std::vector<int64_t> rows = sources(h, y_h, options.align_corners),
                             cols = sources(w, y_w, options.align_corners);
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(y.raw());
  parallel_for(stream, y.dim(0) * y_h, row_grain(y), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t r = i % y_h;
      std::byte* row = to + i * row_bytes;
      if (i > begin && r > 0 && rows[r] == rows[r - 1]) {
        std::memcpy(row, row - row_bytes, row_bytes);
        continue;
      }
      const std::byte* source = from + (i / y_h * h + rows[r]) * w * pixel;
      for (int64_t c = 0; c < y_w; ++c) std::memcpy(row + c * pixel, source + cols[c] * pixel, pixel);
    }
  });
}

void resize_nearest_adjoint(const CpuStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx) {
  const int64_t h = dx.dim(1), w = dx.dim(2), channels = dx.dim(3), g_h = g.dim(1), g_w = g.dim(2);
  const std::vector<int64_t> rows = firsts(h, g_h, options.align_corners), cols = firsts(w, g_w, options.align_corners);
  visit_float(g.dtype(), "resize_nearest_adjoint", [&]<class T>(T) {
    parallel_for(stream, dx.dim(0) * h, row_grain(dx),
                 [&, g = g.data<T>(), dx = dx.data<T>()](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     T* row = dx + i * w * channels;
                     std::fill_n(row, w * channels, T(0));
                     for (int64_t r = rows[i % h]; r < rows[i % h + 1]; ++r) {
                       const T* source = g + (i / h * g_h + r) * g_w * channels;
                       for (int64_t c = 0; c < w; ++c) {
                         int64_t j = cols[c];
                         for (; j + 2 <= cols[c + 1]; j += 2) {
                           add_pair(row + c * channels, source + j * channels, source + (j + 1) * channels, channels);
                         }
                         if (j < cols[c + 1]) add(row + c * channels, source + j * channels, channels);
                       }
                     }
                   }
                 });
  });
}

void resize_bilinear(const CpuStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y) {
  const int64_t h = x.dim(1), w = x.dim(2), channels = x.dim(3), y_h = y.dim(1), y_w = y.dim(2);
  const BilinearAxis rows(h, y_h, options.align_corners), cols(w, y_w, options.align_corners);
  visit_float(x.dtype(), "resize_bilinear", [&]<class T>(T) {
    parallel_for(
        stream, y.dim(0) * y_h, row_grain(y), [&, x = x.data<T>(), y = y.data<T>()](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const BilinearTap& tap = rows.taps[i % y_h];
            const T* upper = x + (i / y_h * h + tap.lo) * w * channels;
            const T* lower = x + (i / y_h * h + tap.hi) * w * channels;
            const T down = static_cast<T>(tap.fraction), up = static_cast<T>(1 - tap.fraction);
            for (int64_t c = 0; c < y_w; ++c) {
              const int64_t lo = cols.taps[c].lo * channels, hi = cols.taps[c].hi * channels;
              const T right = static_cast<T>(cols.taps[c].fraction), left = static_cast<T>(1 - cols.taps[c].fraction);
              T* pixel = y + (i * y_w + c) * channels;
              for (int64_t k = 0; k < channels; ++k) {
                pixel[k] = up * (left * upper[lo + k] + right * upper[hi + k]) +
                           down * (left * lower[lo + k] + right * lower[hi + k]);
              }
            }
          }
        });
  });
}

void resize_bilinear_adjoint(const CpuStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx) {
  const int64_t h = dx.dim(1), w = dx.dim(2), channels = dx.dim(3), g_h = g.dim(1), g_w = g.dim(2);
  const BilinearAxis rows(h, g_h, options.align_corners), cols(w, g_w, options.align_corners);
  visit_float(g.dtype(), "resize_bilinear_adjoint", [&]<class T>(T) {
    parallel_for(stream, dx.dim(0) * h, row_grain(dx),
                 [&, g = g.data<T>(), dx = dx.data<T>()](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t s = i % h;
                     T* row = dx + i * w * channels;
                     std::fill_n(row, w * channels, T(0));
                     for (int64_t r = rows.begin[s]; r < rows.end[s]; ++r) {
                       const double row_weight = rows.taps[r].weight(s);
                       const T* source = g + (i / h * g_h + r) * g_w * channels;
                       for (int64_t c = 0; c < w; ++c) {
                         for (int64_t j = cols.begin[c]; j < cols.end[c]; ++j) {
                           const T weight = static_cast<T>(row_weight * cols.taps[j].weight(c));
                           add_scaled(row + c * channels, source + j * channels, weight, channels);
                         }
                       }
                     }
                   }
                 });
  });
}

}  // namespace lacuna::kernels
