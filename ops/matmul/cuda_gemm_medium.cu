#include "ops/matmul/gemm_mma_launch.cuh"

namespace lacuna::kernels::gemm {

void run_medium(const CudaStream& stream, const Problem<float>& problem) { run_mma<1>(stream, problem); }

}  // namespace lacuna::kernels::gemm
