#include "ops/matmul/gemm_mma_launch.cuh"

namespace lacuna::kernels::gemm {

void run_mma_medium(const CudaStream& stream, const Problem<float, bf16>& problem) {
  run_tensor_units<MmaKernels<1>>(stream, problem);
}

}  // namespace lacuna::kernels::gemm
