#include "ops/resize/functors.h"
#include "ops/resize/kernels.h"
#include "tensor/cuda_units.cuh"

namespace lacuna::kernels {
namespace {

/// Pictures resized from in_height x in_width to out_height x out_width; depth: elements of a pixel.
struct Resizing {
  int64_t in_height, in_width, out_height, out_width;
  bool align_corners;
  IndexDivider depth, width, height;  // the two last of the side whose elements are counted

  /// Of one side's element i.
  struct Place {
    int64_t picture, row, column, element;
  };
  LACUNA_HD Place place(int64_t i) const {
    const int64_t element = depth.split(i), column = width.split(i), row = height.split(i);
    return {i, row, column, element};
  }
  /// Where a pixel of the other side begins, whose size is given.
  LACUNA_HD int64_t pixel(const Place& p, int64_t row, int64_t column, int64_t rows, int64_t columns) const {
    return ((p.picture * rows + row) * columns + column) * depth.divisor() + p.element;
  }
};

/// From `in` to `out`, the elements of `counted` (in or out) being counted.
Resizing resizing(const Tensor& in, const Tensor& out, const ResizeOptions& options, const Tensor& counted,
                  int64_t depth) {
  return {in.dim(1),
          in.dim(2),
          out.dim(1),
          out.dim(2),
          options.align_corners,
          IndexDivider(depth),
          IndexDivider(counted.dim(2)),
          IndexDivider(counted.dim(1))};
}

template <class U>
struct NearestEach {
  Resizing r;
  const U* x;
  U* y;

  LACUNA_HD void operator()(int64_t i) const {
    const Resizing::Place p = r.place(i);
    const int64_t row = functors::nearest_source(p.row, r.in_height, r.out_height, r.align_corners);
    const int64_t column = functors::nearest_source(p.column, r.in_width, r.out_width, r.align_corners);
    y[i] = x[r.pixel(p, row, column, r.in_height, r.in_width)];
  }
};

template <class T>
struct NearestAdjointEach {
  Resizing r;
  const T* g;
  T* dx;

  LACUNA_HD void operator()(int64_t i) const {
    const Resizing::Place p = r.place(i);
    const auto row = [&](int64_t s) { return functors::nearest_first(s, r.in_height, r.out_height, r.align_corners); };
    const auto column = [&](int64_t s) { return functors::nearest_first(s, r.in_width, r.out_width, r.align_corners); };
    const int64_t last_row = row(p.row + 1), first_column = column(p.column), last_column = column(p.column + 1);
    T sum = 0;
    for (int64_t h = row(p.row); h < last_row; ++h) {
      for (int64_t w = first_column; w < last_column; ++w) sum += g[r.pixel(p, h, w, r.out_height, r.out_width)];
    }
    dx[i] = sum;
  }
};

template <class T>
struct BilinearEach {
  Resizing r;
  const T* x;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const Resizing::Place p = r.place(i);
    const functors::BilinearTap rows = functors::bilinear_tap(p.row, r.in_height, r.out_height, r.align_corners);
    const functors::BilinearTap columns = functors::bilinear_tap(p.column, r.in_width, r.out_width, r.align_corners);
    const T down = static_cast<T>(rows.fraction), up = static_cast<T>(1 - rows.fraction);
    const T right = static_cast<T>(columns.fraction), left = static_cast<T>(1 - columns.fraction);
    const auto at = [&](int64_t row, int64_t column) { return x[r.pixel(p, row, column, r.in_height, r.in_width)]; };
    y[i] = up * (left * at(rows.lo, columns.lo) + right * at(rows.lo, columns.hi)) +
           down * (left * at(rows.hi, columns.lo) + right * at(rows.hi, columns.hi));
  }
};

/// A position reads the source s if its lo is s, or is s - 1 while it lies beyond it: its weight of s is 0 otherwise.
template <class T>
struct BilinearAdjointEach {
  Resizing r;
  const T* g;
  T* dx;

  LACUNA_HD void operator()(int64_t i) const {
    const Resizing::Place p = r.place(i);
    const auto row = [&](int64_t s) { return functors::bilinear_first(s, r.in_height, r.out_height, r.align_corners); };
    const auto column = [&](int64_t s) {
      return functors::bilinear_first(s, r.in_width, r.out_width, r.align_corners);
    };
    const int64_t last_row = row(p.row + 1), last_column = column(p.column + 1);
    T sum = 0;
    for (int64_t h = row(p.row - 1); h < last_row; ++h) {
      const double row_weight = functors::bilinear_tap(h, r.in_height, r.out_height, r.align_corners).weight(p.row);
      for (int64_t w = column(p.column - 1); w < last_column; ++w) {
        const double weight =
            row_weight * functors::bilinear_tap(w, r.in_width, r.out_width, r.align_corners).weight(p.column);
        sum += static_cast<T>(weight) * g[r.pixel(p, h, w, r.out_height, r.out_width)];
      }
    }
    dx[i] = sum;
  }
};

}  // namespace

void resize_nearest(const CudaStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y) {
  const int64_t pixel = x.dim(3) * size_of(x.dtype());
  visit_unit(
      [&]<class U>(U) {
        const int64_t units = pixel / static_cast<int64_t>(sizeof(U));
        for_each(stream, y.dim(0) * y.dim(1) * y.dim(2) * units,
                 NearestEach<U>{resizing(x, y, options, y, units), units_of<U>(x), units_of<U>(y)});
      },
      pixel);
}

void resize_nearest_adjoint(const CudaStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx) {
  visit_float(g.dtype(), "resize_nearest_adjoint", [&]<class T>(T) {
    for_each(stream, dx.numel(),
             NearestAdjointEach<T>{resizing(dx, g, options, dx, dx.dim(3)), g.data<T>(), dx.data<T>()});
  });
}

void resize_bilinear(const CudaStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y) {
  visit_float(x.dtype(), "resize_bilinear", [&]<class T>(T) {
    for_each(stream, y.numel(), BilinearEach<T>{resizing(x, y, options, y, y.dim(3)), x.data<T>(), y.data<T>()});
  });
}

void resize_bilinear_adjoint(const CudaStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx) {
  visit_float(g.dtype(), "resize_bilinear_adjoint", [&]<class T>(T) {
    for_each(stream, dx.numel(),
             BilinearAdjointEach<T>{resizing(dx, g, options, dx, dx.dim(3)), g.data<T>(), dx.data<T>()});
  });
}

}  // namespace lacuna::kernels
