#include "ops/unfold/functors.h"
#include "ops/unfold/kernels.h"
#include "tensor/cuda_units.cuh"

namespace lacuna::kernels {
namespace {

using functors::PatchAxis;
using functors::PatchRange;

/// A unit of a patch's pixel.
template <class U>
struct UnfoldEach {
  const U* x;
  U* y;
  int64_t height, width, stride, before_row, before_column;
  IndexDivider units, kernel, columns, rows;  // of a pixel; of a patch's side; patches across and down

  LACUNA_HD void operator()(int64_t i) const {
    int64_t picture = i;
    const int64_t unit = units.split(picture), c = kernel.split(picture), r = kernel.split(picture);
    const int64_t column = columns.split(picture) * stride - before_column + c;
    const int64_t row = rows.split(picture) * stride - before_row + r;
    const bool inside = row >= 0 && row < height && column >= 0 && column < width;
    y[i] = inside ? x[((picture * height + row) * width + column) * units.divisor() + unit] : U{};
  }
};

/// The sum of an element's copies in all patches that cover it.
template <class T>
struct FoldEach {
  const T* g;
  T* y;
  PatchOptions options;
  PatchAxis rows, columns;
  IndexDivider channels, width, height;

  LACUNA_HD void operator()(int64_t i) const {
    int64_t picture = i;
    const int64_t channel = channels.split(picture), c = width.split(picture), r = height.split(picture);
    const PatchRange above = functors::covering_patches(r, rows, options);
    const PatchRange beside = functors::covering_patches(c, columns, options);
    T sum = 0;
    for (int64_t pr = above.first; pr < above.last; ++pr) {
      const int64_t patch_r = r + rows.before - pr * options.stride;
      for (int64_t pc = beside.first; pc < beside.last; ++pc) {
        const int64_t patch_c = c + columns.before - pc * options.stride;
        const int64_t patch = (picture * rows.count + pr) * columns.count + pc;
        sum += g[((patch * options.kernel + patch_r) * options.kernel + patch_c) * channels.divisor() + channel];
      }
    }
    y[i] = sum;
  }
};

}  // namespace

void unfold(const CudaStream& stream, const Tensor& x, const PatchOptions& options, Tensor& y) {
  const PatchAxis rows = functors::patch_axis(x.dim(1), options), columns = functors::patch_axis(x.dim(2), options);
  const int64_t pixel = x.dim(3) * size_of(x.dtype());
  visit_unit(
      [&]<class U>(U) {
        const int64_t units = pixel / static_cast<int64_t>(sizeof(U));
        for_each(stream, y.dim(0) * rows.count * columns.count * options.kernel * options.kernel * units,
                 UnfoldEach<U>{units_of<U>(x), units_of<U>(y), x.dim(1), x.dim(2), options.stride, rows.before,
                               columns.before, IndexDivider(units), IndexDivider(options.kernel),
                               IndexDivider(columns.count), IndexDivider(rows.count)});
      },
      pixel);
}

void fold(const CudaStream& stream, const Tensor& patches, const PatchOptions& options, Tensor& y) {
  visit_float(y.dtype(), "fold", [&]<class T>(T) {
    for_each(stream, y.numel(),
             FoldEach<T>{patches.data<T>(), y.data<T>(), options, functors::patch_axis(y.dim(1), options),
                         functors::patch_axis(y.dim(2), options), IndexDivider(y.dim(3)), IndexDivider(y.dim(2)),
                         IndexDivider(y.dim(1))});
  });
}

}  // namespace lacuna::kernels
