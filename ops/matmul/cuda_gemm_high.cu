#include "ops/matmul/gemm_mma_launch.cuh"

namespace lacuna::kernels::gemm {

void run_high(const CudaStream& stream, const Problem<float>& problem) { run_mma<2>(stream, problem); }

}  // namespace lacuna::kernels::gemm
