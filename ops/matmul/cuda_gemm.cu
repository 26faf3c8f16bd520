#include "ops/matmul/gemm.h"
#include "tensor/cuda.h"

namespace lacuna::kernels::gemm {
namespace {

template <class T>
struct SumSplits {
  const T* partial;
  T* y;
  int64_t count, n;

  LACUNA_HD void operator()(int64_t i) const {
    T sum = 0;
    for (int64_t s = 0; s < count; ++s) sum += partial[s * n + i];
    y[i] = sum;
  }
};

}  // namespace

void run(const CudaStream& stream, const Problem<double>& problem) { run_f64(stream, problem); }

void run(const CudaStream& stream, const Problem<float>& problem) {
  const bool has_bf16 = cuda_traits(stream.device).architecture >= 80;
  if (stream.precision == Precision::highest || !has_bf16) return run_f32(stream, problem);
  stream.precision == Precision::high ? run_high(stream, problem) : run_medium(stream, problem);
}

template <class T>
void sum_splits(const CudaStream& stream, const T* partial, int64_t count, int64_t n, T* y) {
  for_each(stream, n, SumSplits<T>{partial, y, count, n});
}
template void sum_splits(const CudaStream&, const float*, int64_t, int64_t, float*);
template void sum_splits(const CudaStream&, const double*, int64_t, int64_t, double*);

}  // namespace lacuna::kernels::gemm
