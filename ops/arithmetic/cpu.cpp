#include "ops/arithmetic/functors.h"
#include "ops/arithmetic/kernels.h"
#include "ops/broadcast/stretch.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
namespace {

// With the steps known to the compiler (1: the operand moves along the run, 0: it stays) the loop vectorises.
template <int step_a, int step_b, class T, class F>
void run_pairs(const CpuStream& stream, const Stretch<2>& stretch, const T* a, const T* b, T* y, F f) {
  stretch.for_each_run(stream, [=](int64_t begin, int64_t length, const auto& offsets) {
    const T *ra = a + offsets[0], *rb = b + offsets[1];
    T* ry = y + begin;
    for (int64_t i = 0; i < length; ++i) ry[i] = f(ra[i * step_a], rb[i * step_b]);
  });
}

// Rows as short as the channels of a picture, one operand staying within each: all known to the compiler but the rows.
template <int length, int step_a, int step_b, class T, class F>
void run_short_rows(const CpuStream& stream, const Stretch<2>& stretch, const T* a, const T* b, T* y, F f) {
  const int along = stretch.rank() - 2;
  stretch.for_each_rows(stream, [=, row_a = stretch.stride(0, along), row_b = stretch.stride(1, along)](
                                    int64_t begin, int64_t rows, const auto& offsets) {
    const T *ra = a + offsets[0], *rb = b + offsets[1];
    T* ry = y + begin;
    for (int64_t r = 0; r < rows; ++r, ra += row_a, rb += row_b, ry += length) {
      for (int i = 0; i < length; ++i) ry[i] = f(ra[i * step_a], rb[i * step_b]);
    }
  });
}

template <int step_a, int step_b, class T, class F>
void run_stretched(const CpuStream& stream, const Stretch<2>& stretch, const T* a, const T* b, T* y, F f) {
  switch (stretch.rank() < 2 ? 0 : stretch.extent(stretch.rank() - 1)) {
    case 2:
      return run_short_rows<2, step_a, step_b>(stream, stretch, a, b, y, f);
    case 3:
      return run_short_rows<3, step_a, step_b>(stream, stretch, a, b, y, f);
    case 4:
      return run_short_rows<4, step_a, step_b>(stream, stretch, a, b, y, f);
    default:
      return run_pairs<step_a, step_b>(stream, stretch, a, b, y, f);
  }
}

template <class F>
void binary(const CpuStream& stream, const char* op, const Tensor& a, const Tensor& b, Tensor& y, F f) {
  const Stretch<2> stretch(y.shape(), {a.shape(), b.shape()});
  const int last = stretch.rank() - 1;
  visit_float(y.dtype(), op, [&]<class T>(T) {
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* py = y.data<T>();
    if (stretch.stride(0, last) == 0) {
      run_stretched<0, 1>(stream, stretch, pa, pb, py, f);
    } else if (stretch.stride(1, last) == 0) {
      run_stretched<1, 0>(stream, stretch, pa, pb, py, f);
    } else {
      run_pairs<1, 1>(stream, stretch, pa, pb, py, f);
    }
  });
}

}  // namespace

using Stream = CpuStream;
#include "ops/arithmetic/kernels.inc"
}  // namespace lacuna::kernels
