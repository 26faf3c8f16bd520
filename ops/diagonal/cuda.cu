#include "ops/diagonal/kernels.h"
#include "tensor/cuda.h"
#include "tensor/index_divider.h"

namespace lacuna::kernels {
namespace {

/// The shifts of one axis that keep i within its h positions and j within its H.
struct Shifts {
  int64_t lo, hi;

  LACUNA_HD Shifts within(int64_t i, int64_t h, int64_t j, int64_t H) const {
    const int64_t least = -(i < j ? i : j), most = (h - i < H - j ? h - i : H - j) - 1;
    return {lo > least ? lo : least, hi < most ? hi : most};
  }
};

template <class T>
struct DiagonalSum {
  const T* x;
  T* y;
  Shifts rows, columns;
  IndexDivider W, H, w, h;

  LACUNA_HD void operator()(int64_t i) const {
    int64_t sample = i;
    const int64_t C = W.split(sample), R = H.split(sample), c = w.split(sample), r = h.split(sample);
    const Shifts down = rows.within(r, h.divisor(), R, H.divisor());
    const Shifts right = columns.within(c, w.divisor(), C, W.divisor());
    const int64_t step = H.divisor() * W.divisor() + 1;  // one column on in both grids
    T sum = 0;
    for (int64_t d = down.lo; d <= down.hi; ++d) {
      const T* from = x + i + d * (w.divisor() * (step - 1) + W.divisor());
      for (int64_t e = right.lo; e <= right.hi; ++e) sum += from[e * step];
    }
    y[i] = sum;
  }
};

}  // namespace

void diagonal_sum(const CudaStream& stream, const Tensor& x, const ShiftRange& shifts, Tensor& y) {
  visit_float(x.dtype(), "diagonal_sum", [&]<class T>(T) {
    for_each(stream, x.numel(),
             DiagonalSum<T>{x.data<T>(),
                            y.data<T>(),
                            {shifts.row_lo, shifts.row_hi},
                            {shifts.col_lo, shifts.col_hi},
                            IndexDivider(x.dim(4)),
                            IndexDivider(x.dim(3)),
                            IndexDivider(x.dim(2)),
                            IndexDivider(x.dim(1))});
  });
}

}  // namespace lacuna::kernels
