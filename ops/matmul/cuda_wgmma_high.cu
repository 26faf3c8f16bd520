#include "ops/matmul/gemm_wgmma_launch.cuh"

namespace lacuna::kernels::gemm {

void run_wgmma_high(const CudaStream& stream, const Problem<float, bf16>& problem) {
  run_tensor_units<WgmmaKernels<2>>(stream, problem);
}

}  // namespace lacuna::kernels::gemm
