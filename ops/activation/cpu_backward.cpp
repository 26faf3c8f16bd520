#include <algorithm>
#include <vector>

#include "ops/activation/backward.h"
#include "ops/activation/kernels.h"
#include "tensor/cpu_level.h"

namespace lacuna::kernels {
namespace {

constexpr int64_t block_elements = 1 << 14;
constexpr int64_t lanes = 128;  // partial sums kept so that narrow rows use whole vectors

template <class T>
const BackwardLoops<T>& of_level(const BackwardLoops<T>& portable, [[maybe_unused]] const BackwardLoops<T>& avx2,
                                 [[maybe_unused]] const BackwardLoops<T>& avx512) {
#ifdef __x86_64__
  if (cpu_level() >= CpuLevel::avx512) return avx512;
  if (cpu_level() >= CpuLevel::avx2) return avx2;
#endif
  return portable;
}

const BackwardLoops<float>& loops(float) {
  return of_level(backward_portable_f32, backward_avx2_f32, backward_avx512_f32);
}
const BackwardLoops<double>& loops(double) {
  return of_level(backward_portable_f64, backward_avx2_f64, backward_avx512_f64);
}

/// Has run(first element, rows, width, null) go through n elements, `lanes` in a row.
template <class F>
void run_blocks(const CpuStream& stream, int64_t n, F run) {
  parallel_for(stream, n, block_elements, [&](int64_t begin, int64_t end) {
    const int64_t whole = (end - begin) / lanes;
    run(begin, whole, lanes, nullptr);
    run(begin + whole * lanes, 1, end - begin - whole * lanes, nullptr);
  });
}

/// Has run(first element, rows, width, sums) go through the rows of x in fixed blocks, and adds up their column sums.
/// Narrow rows are taken several at a time, as one longer row.
template <class T, class F>
void sum_blocks(const CpuStream& stream, int64_t rows, int64_t channels, F run, Tensor& sums) {
  T* out = sums.data<T>();
  if (rows * channels == 0) {
    std::fill_n(out, channels, T(0));
    return;
  }
  const int64_t packed = std::max<int64_t>(1, lanes / channels), width = packed * channels;
  const int64_t per_block = packed * std::max<int64_t>(4, block_elements / width);
  const int64_t blocks = (rows + per_block - 1) / per_block;
  Tensor partial = Tensor::zeros({blocks, width}, DType::f64);
  parallel_for(stream, rows, per_block, [&, all = partial.data<double>()](int64_t begin, int64_t end) {
    double* own = all + begin / per_block * width;
    const int64_t whole = (end - begin) / packed;
    run(begin * channels, whole, width, own);
    run((begin + whole * packed) * channels, end - begin - whole * packed, channels, own);
  });
  std::vector<double> totals(static_cast<size_t>(channels), 0.0);
  const double* all = partial.data<double>();
  for (int64_t row = 0; row < blocks * packed; ++row, all += channels) {
    for (int64_t c = 0; c < channels; ++c) totals[c] += all[c];
  }
  for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<T>(totals[c]);
}

/// Rows of g, one for each set of sums.
int64_t rows_of(const Tensor& g, const Tensor& sums) { return sums.numel() == 0 ? 0 : g.numel() / sums.numel(); }

/// run(first element, rows, width, sums): elu_grad on the elements of these tensors.
template <class T>
auto elu_grad_on(const Tensor& g, const Tensor& y, Tensor& dx) {
  return [=, run = loops(T{}).elu, g = g.data<T>(), y = y.data<T>(), dx = dx.data<T>()](int64_t first, int64_t rows,
                                                                                        int64_t width, double* sums) {
    run(g + first, y + first, rows, width, dx + first, sums);
  };
}

template <class T>
auto gate_on(const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y) {
  return [=, run = loops(T{}).gate, g = g.data<T>(), x = x.data<T>(), y = y.data<T>()](int64_t first, int64_t rows,
                                                                                       int64_t width, double* sums) {
    run(g + first, x + first, gate, rows, width, y + first, sums);
  };
}

}  // namespace

void elu_grad(const CpuStream& stream, const Tensor& g, const Tensor& y, Tensor& dx) {
  visit_float(g.dtype(), "elu_grad", [&]<class T>(T) { run_blocks(stream, g.numel(), elu_grad_on<T>(g, y, dx)); });
}

void gate(const CpuStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y) {
  visit_float(g.dtype(), "gate", [&]<class T>(T) { run_blocks(stream, g.numel(), gate_on<T>(g, x, gate, y)); });
}

void elu_grad_summed(const CpuStream& stream, const Tensor& g, const Tensor& y, Tensor& dx, Tensor& sums) {
  visit_float(g.dtype(), "elu_grad", [&]<class T>(T) {
    sum_blocks<T>(stream, rows_of(g, sums), sums.numel(), elu_grad_on<T>(g, y, dx), sums);
  });
}

void gate_summed(const CpuStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y, Tensor& sums) {
  visit_float(g.dtype(), "gate", [&]<class T>(T) {
    sum_blocks<T>(stream, rows_of(g, sums), sums.numel(), gate_on<T>(g, x, gate, y), sums);
  });
}

}  // namespace lacuna::kernels
