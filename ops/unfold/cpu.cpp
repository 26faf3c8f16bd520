#include <algorithm>
#include <cstring>

#include "ops/unfold/functors.h"
#include "ops/unfold/kernels.h"

namespace lacuna::kernels {
namespace {

using functors::PatchAxis;
using functors::PatchRange;

/// Rows of an image batch that make up about 16 K elements.
int64_t row_grain(const Tensor& x) {
  return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, x.dim(2) * x.dim(3)));
}

template <class T>
void add(T* __restrict y, const T* __restrict x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace

void unfold(const CpuStream& stream, const Tensor& x, const PatchOptions& options, Tensor& y) {
  const int64_t h = x.dim(1), w = x.dim(2), kernel = options.kernel, stride = options.stride;
  const PatchAxis rows = functors::patch_axis(h, options), cols = functors::patch_axis(w, options);
  const int64_t pixel = x.dim(3) * size_of(x.dtype()), patch_row = kernel * pixel;
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(y.raw());
  parallel_for(stream, y.dim(0) * rows.count, row_grain(y), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t top = i % rows.count * stride - rows.before;
      for (int64_t j = 0; j < cols.count; ++j) {
        std::byte* patch = to + (i * cols.count + j) * kernel * patch_row;
        // Columns [lo, hi) of the patch lie inside the picture.
        const int64_t left = j * stride - cols.before;
        const int64_t lo = std::clamp<int64_t>(-left, 0, kernel), hi = std::clamp<int64_t>(w - left, lo, kernel);
        for (int64_t r = 0; r < kernel; ++r, patch += patch_row) {
          if (top + r < 0 || top + r >= h || lo == hi) {
            std::memset(patch, 0, static_cast<size_t>(patch_row));
            continue;
          }
          const int64_t source = (i / rows.count * h + top + r) * w + left + lo;
          std::memset(patch, 0, static_cast<size_t>(lo * pixel));
          std::memcpy(patch + lo * pixel, from + source * pixel, static_cast<size_t>((hi - lo) * pixel));
          std::memset(patch + hi * pixel, 0, static_cast<size_t>((kernel - hi) * pixel));
        }
      }
    }
  });
}

void fold(const CpuStream& stream, const Tensor& patches, const PatchOptions& options, Tensor& y) {
  const int64_t h = y.dim(1), w = y.dim(2), channels = y.dim(3), kernel = options.kernel, stride = options.stride;
  const PatchAxis rows = functors::patch_axis(h, options), cols = functors::patch_axis(w, options);
  visit_float(y.dtype(), "fold", [&]<class T>(T) {
    parallel_for(stream, y.dim(0) * h, row_grain(y),
                 [&, g = patches.data<T>(), y = y.data<T>()](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t r = i % h;
                     std::fill_n(y + i * w * channels, w * channels, T(0));
                     const PatchRange above = functors::covering_patches(r, rows, options);
                     for (int64_t pr = above.first; pr < above.last; ++pr) {
                       const int64_t patch_r = r + rows.before - pr * stride;
                       for (int64_t c = 0; c < w; ++c) {
                         const PatchRange beside = functors::covering_patches(c, cols, options);
                         for (int64_t pc = beside.first; pc < beside.last; ++pc) {
                           const int64_t patch = (i / h * rows.count + pr) * cols.count + pc;
                           const int64_t element = (patch * kernel + patch_r) * kernel + c + cols.before - pc * stride;
                           add(y + (i * w + c) * channels, g + element * channels, channels);
                         }
                       }
                     }
                   }
                 });
  });
}

}  // namespace lacuna::kernels
