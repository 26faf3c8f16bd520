#include <algorithm>
#include <cstring>

#include "ops/pad/functors.h"
#include "ops/pad/kernels.h"

namespace lacuna::kernels {
namespace {

/// Rows of an image batch that make up about 16 K elements.
int64_t row_grain(const Tensor& y) {
  return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, y.dim(2) * y.dim(3)));
}

template <class T>
void add(T* __restrict y, const T* __restrict x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace

void pad(const CpuStream& stream, const Tensor& x, const Padding2d& padding, PadMode mode, Tensor& y) {
  const Padding2d p = padding;
  const int64_t h = x.dim(1), w = x.dim(2), y_h = y.dim(1), y_w = y.dim(2);
  const size_t pixel = static_cast<size_t>(x.dim(3) * size_of(x.dtype()));
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(y.raw());
  parallel_for(stream, y.dim(0) * y_h, row_grain(y), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::byte* row = to + i * y_w * pixel;
      const int64_t r = padded_source(i % y_h - p.top, h, mode);
      if (r < 0) {
        std::memset(row, 0, y_w * pixel);
        continue;
      }
      const std::byte* source = from + (i / y_h * h + r) * w * pixel;
      const auto fill = [&](int64_t first, int64_t last) {
        for (int64_t j = first; j < last; ++j) {
          const int64_t c = padded_source(j - p.left, w, mode);
          if (c < 0) {
            std::memset(row + j * pixel, 0, pixel);
          } else {
            std::memcpy(row + j * pixel, source + c * pixel, pixel);
          }
        }
      };
      fill(0, p.left);
      std::memcpy(row + p.left * pixel, source, w * pixel);
      fill(p.left + w, y_w);
    }
  });
}

void unpad(const CpuStream& stream, const Tensor& g, const Padding2d& padding, PadMode mode, Tensor& dx) {
  const Padding2d p = padding;
  const int64_t h = dx.dim(1), w = dx.dim(2), channels = dx.dim(3), g_h = g.dim(1), g_w = g.dim(2);
  visit_float(g.dtype(), "unpad", [&]<class T>(T) {
    parallel_for(stream, dx.dim(0) * h, row_grain(g),
                 [=, g = g.data<T>(), dx = dx.data<T>()](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     T* row = dx + i * w * channels;
                     std::fill_n(row, w * channels, T(0));
                     functors::for_each_reader(i % h, h, p.top, p.bottom, mode, [&](int64_t r) {
                       const T* source = g + (i / h * g_h + p.top + r) * g_w * channels;
                       const auto add_back = [&](int64_t first, int64_t last) {
                         for (int64_t j = first; j < last; ++j) {
                           add(row + padded_source(j - p.left, w, mode) * channels, source + j * channels, channels);
                         }
                       };
                       add(row, source + p.left * channels, w * channels);
                       add_back(0, p.left);
                       add_back(p.left + w, g_w);
                     });
                   }
                 });
  });
}

void crop(const CpuStream& stream, const Tensor& x, int64_t top, int64_t left, Tensor& y) {
  const int64_t h = x.dim(1), w = x.dim(2), y_h = y.dim(1), y_w = y.dim(2);
  const int64_t pixel = x.dim(3) * size_of(x.dtype());
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(y.raw());
  parallel_for(stream, y.dim(0) * y_h, row_grain(y), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t source = (i / y_h * h + top + i % y_h) * w + left;
      std::memcpy(to + i * y_w * pixel, from + source * pixel, static_cast<size_t>(y_w * pixel));
    }
  });
}

}  // namespace lacuna::kernels
