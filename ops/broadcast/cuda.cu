#include "ops/broadcast/cuda_stretch.cuh"
#include "ops/broadcast/cuda_sums.cuh"
#include "ops/broadcast/kernels.h"
#include "tensor/convert.h"

namespace lacuna::kernels {
namespace {

/// (outer, summed, inner) -> (outer, inner), in at most two rounds.
void fold_axis(const CudaStream& stream, Tensor x, Fold fold, Tensor& y) {
  const auto fold_to = [&](int64_t parts, Tensor& to) {
    visit_float(x.dtype(), "sum_to", [&]<class From>(From) {
      visit_float(to.dtype(), "sum_to",
                  [&]<class To>(To) { fold_sums(stream, fold, parts, x.data<From>(), to.data<To>()); });
    });
  };
  if (const int64_t parts = parts_of(fold); parts > 1) {
    Tensor partial({fold.outer, parts, fold.inner}, DType::f64, x.device());
    fold_to(parts, partial);
    x = partial;
    fold.summed = parts;
  }
  fold_to(1, y);
}

}  // namespace

void broadcast_to(const CudaStream& stream, const Tensor& x, Tensor& y) {
  const Stretch<1> stretch(y.shape(), {x.shape()});
  visit_float(x.dtype(), "broadcast_to",
              [&]<class T>(T) { map_stretched<T>(stream, stretch, nullptr, {x.data<T>()}, y.data<T>()); });
}

// One merged axis after the other, as on the CPU; only the last sums are rounded to y's type.
void sum_to(const CudaStream& stream, const Tensor& x, Tensor& y) {
  const Stretch<1> stretch(x.shape(), {y.shape()});
  const auto is_summed = [&](int axis) { return stretch.stride(0, axis) == 0; };
  int last = stretch.rank() - 1;
  while (last >= 0 && !is_summed(last)) --last;
  if (last < 0) return convert(stream, x, y);
  Tensor sums = x;
  int64_t outer = 1;
  for (int axis = 0; axis <= last; ++axis) {
    int64_t inner = 1;
    for (int after = axis + 1; after < stretch.rank(); ++after) inner *= stretch.extent(after);
    if (!is_summed(axis)) {
      outer *= stretch.extent(axis);
      continue;
    }
    Tensor folded = axis == last ? y : Tensor({outer, inner}, DType::f64, x.device());
    fold_axis(stream, sums, {outer, stretch.extent(axis), inner}, folded);
    sums = folded;
  }
}

}  // namespace lacuna::kernels
