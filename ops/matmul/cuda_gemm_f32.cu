#include "ops/matmul/gemm_fma_launch.cuh"

namespace lacuna::kernels::gemm {

void run_f32(const CudaStream& stream, const Problem<float>& problem) { run_fma<float, 64, true>(stream, problem); }

}  // namespace lacuna::kernels::gemm
