#include <algorithm>

#include "ops/pointwise/functors.h"
#include "ops/softmax/kernels.h"

namespace lacuna::kernels {
namespace {

// Maxima and sums run in this many lanes, which the compiler turns into vectors; their order depends on n alone.
constexpr int64_t lanes = 16;

template <class T>
T row_max(const T* x, int64_t n) {
  T largest[lanes];
  std::fill_n(largest, lanes, x[0]);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int64_t l = 0; l < lanes; ++l) largest[l] = x[i + l] > largest[l] ? x[i + l] : largest[l];
  }
  for (; i < n; ++i) largest[0] = x[i] > largest[0] ? x[i] : largest[0];
  return *std::max_element(largest, largest + lanes);
}

template <class T>
double row_sum(const T* y, int64_t n) {
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int64_t l = 0; l < lanes; ++l) sums[l] += static_cast<double>(y[i + l]);
  }
  for (; i < n; ++i) sums[0] += static_cast<double>(y[i]);
  double sum = 0;
  for (double s : sums) sum += s;
  return sum;
}

template <class T>
void softmax_row(const T* x, int64_t n, T* y) {
  const T largest = row_max(x, n);
  for (int64_t i = 0; i < n; ++i) y[i] = functors::exp(x[i] - largest);
  const T scale = static_cast<T>(1 / row_sum(y, n));
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

}  // namespace

void softmax(const CpuStream& stream, const Tensor& x, Tensor& y) {
  if (x.numel() == 0) return;
  const int64_t n = x.dim(-1);
  visit_float(x.dtype(), "softmax", [&]<class T>(T) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    parallel_for(stream, x.numel() / n, std::max<int64_t>(1, (1 << 14) / n), [=](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) softmax_row(from + row * n, n, to + row * n);
    });
  });
}

}  // namespace lacuna::kernels
