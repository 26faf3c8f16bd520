#include "ops/matmul/gemm_mma_launch.cuh"

namespace lacuna::kernels::gemm {

void run_mma_high(const CudaStream& stream, const Problem<float, bf16>& problem) {
  run_tensor_units<MmaKernels<2>>(stream, problem);
}

}  // namespace lacuna::kernels::gemm
