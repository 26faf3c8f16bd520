#include "ops/pointwise/functors.h"
#include "ops/pointwise/kernels.h"
#include "tensor/cuda_map.cuh"

namespace lacuna::kernels {
using Stream = CudaStream;
#include "ops/pointwise/kernels.inc"
}  // namespace lacuna::kernels
