#include "ops/reduce/functors.h"
#include "ops/reduce/kernels.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
namespace {

/// A thread a line.
template <class T>
struct ArgmaxLine {
  int64_t n;
  IndexDivider stride;
  const T* x;
  int32_t* index;

  LACUNA_HD void operator()(int64_t i) const {
    int64_t block = i;
    const int64_t within = stride.split(block);
    index[i] = functors::argmax(x + block * n * stride.divisor() + within, n, stride.divisor());
  }
};

constexpr int threads = 256;

/// A warp a line whose elements are neighbours: every lane finds the first largest of its own, and of all lanes' the
/// one with the lowest index is taken.
template <class T>
__global__ void __launch_bounds__(threads) argmax_rows(int64_t rows, int64_t n, const T* x, int32_t* index) {
  const int64_t row = int64_t{blockIdx.x} * (threads / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  int64_t best = lane < n ? lane + 32 * int64_t{functors::argmax(x + row * n + lane, (n - lane + 31) / 32, 32)} : 0;
  T largest = x[row * n + best];
  for (int step = 16; step > 0; step /= 2) {
    const T other = __shfl_xor_sync(~0u, largest, step);
    const int64_t its = __shfl_xor_sync(~0u, best, step);
    const bool nan = largest != largest, other_nan = other != other;
    const bool same = (nan && other_nan) || other == largest;
    if (same ? its < best : other_nan || (!nan && other > largest)) {
      largest = other;
      best = its;
    }
  }
  if (lane == 0) index[row] = static_cast<int32_t>(best);
}

}  // namespace

using Stream = CudaStream;
#include "ops/reduce/kernels.inc"

void argmax(const CudaStream& stream, const Tensor& x, int axis, Tensor& index) {
  constexpr int64_t short_line = 16;
  const functors::Lines lines = lines_of(x.shape(), axis);
  const int64_t n = x.dim(axis), count = index.numel();
  visit_float(x.dtype(), "argmax", [&]<class T>(T) {
    if (count == 0) return;
    if (lines.stride.divisor() > 1 || n <= short_line) {
      return for_each(stream, count, ArgmaxLine<T>{n, lines.stride, x.data<T>(), index.data<int32_t>()});
    }
    const int64_t blocks = (count + threads / 32 - 1) / (threads / 32);
    check(blocks < int64_t{1} << 31, "[argmax] ", x.shape(), " has too many rows");
    launch(stream, {static_cast<unsigned>(blocks), threads}, argmax_rows<T>, count, n, x.data<T>(),
           index.data<int32_t>());
  });
}

}  // namespace lacuna::kernels
