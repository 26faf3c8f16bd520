#include "ops/pad/functors.h"
#include "ops/pad/kernels.h"
#include "tensor/cuda_units.cuh"
#include "tensor/index_divider.h"

namespace lacuna::kernels {
namespace {

/// A pixel of U units of the padded picture.
template <class U>
struct PadEach {
  const U* x;
  U* y;
  PadMode mode;
  int64_t top, left, height, width;   // height, width: of x
  IndexDivider units, columns, rows;  // of a pixel, and of y

  LACUNA_HD void operator()(int64_t i) const {
    int64_t picture = i;
    const int64_t unit = units.split(picture), column = columns.split(picture), row = rows.split(picture);
    const int64_t r = padded_source(row - top, height, mode), c = padded_source(column - left, width, mode);
    y[i] = r < 0 || c < 0 ? U{} : x[((picture * height + r) * width + c) * units.divisor() + unit];
  }
};

/// The sum of all padded elements that were read from one.
template <class T>
struct UnpadEach {
  const T* g;
  T* dx;
  PadMode mode;
  Padding2d padding;
  IndexDivider channels, width, height;  // of dx

  LACUNA_HD void operator()(int64_t i) const {
    int64_t picture = i;
    const Padding2d p = padding;
    const int64_t channel = channels.split(picture), column = width.split(picture), row = height.split(picture);
    const int64_t g_width = p.left + width.divisor() + p.right, g_height = p.top + height.divisor() + p.bottom;
    T sum = 0;
    functors::for_each_reader(row, height.divisor(), p.top, p.bottom, mode, [&](int64_t r) {
      const T* line = g + ((picture * g_height + p.top + r) * g_width + p.left) * channels.divisor() + channel;
      functors::for_each_reader(column, width.divisor(), p.left, p.right, mode,
                                [&](int64_t c) { sum += line[c * channels.divisor()]; });
    });
    dx[i] = sum;
  }
};

/// A unit of the rows that are cut out of a picture.
template <class U>
struct CropEach {
  const U* x;  // from the first element of the first picture's crop on
  U* y;
  int64_t x_row, x_picture;  // units from one to the next
  IndexDivider row, rows;    // units of y's rows; rows of a picture

  LACUNA_HD void operator()(int64_t i) const {
    int64_t picture = i;
    const int64_t unit = row.split(picture), r = rows.split(picture);
    y[i] = x[picture * x_picture + r * x_row + unit];
  }
};

}  // namespace

void pad(const CudaStream& stream, const Tensor& x, const Padding2d& padding, PadMode mode, Tensor& y) {
  const int64_t pixel = x.dim(3) * size_of(x.dtype());
  visit_unit(
      [&]<class U>(U) {
        const int64_t units = pixel / static_cast<int64_t>(sizeof(U));
        for_each(stream, y.dim(0) * y.dim(1) * y.dim(2) * units,
                 PadEach<U>{units_of<U>(x), units_of<U>(y), mode, padding.top, padding.left, x.dim(1), x.dim(2),
                            IndexDivider(units), IndexDivider(y.dim(2)), IndexDivider(y.dim(1))});
      },
      pixel);
}

void unpad(const CudaStream& stream, const Tensor& g, const Padding2d& padding, PadMode mode, Tensor& dx) {
  visit_float(g.dtype(), "unpad", [&]<class T>(T) {
    for_each(stream, dx.numel(),
             UnpadEach<T>{g.data<T>(), dx.data<T>(), mode, padding, IndexDivider(dx.dim(3)), IndexDivider(dx.dim(2)),
                          IndexDivider(dx.dim(1))});
  });
}

void crop(const CudaStream& stream, const Tensor& x, int64_t top, int64_t left, Tensor& y) {
  const int64_t pixel = x.dim(3) * size_of(x.dtype()), x_row = x.dim(2) * pixel, y_row = y.dim(2) * pixel;
  const int64_t start = top * x_row + left * pixel;
  visit_unit(
      [&]<class U>(U) {
        constexpr auto size = static_cast<int64_t>(sizeof(U));
        for_each(stream, y.dim(0) * y.dim(1) * (y_row / size),
                 CropEach<U>{units_of<U>(x) + start / size, units_of<U>(y), x_row / size, x.dim(1) * x_row / size,
                             IndexDivider(y_row / size), IndexDivider(y.dim(1))});
      },
      x_row, y_row, start);
}

}  // namespace lacuna::kernels
