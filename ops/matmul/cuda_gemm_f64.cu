#include "ops/matmul/gemm_fma_launch.cuh"

namespace lacuna::kernels::gemm {

void run_f64(const CudaStream& stream, const Problem<double>& problem) { run_fma<double, 32, false>(stream, problem); }

}  // namespace lacuna::kernels::gemm
