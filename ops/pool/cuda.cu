#include "ops/pool/functors.h"
#include "ops/pool/kernels.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
using Stream = CudaStream;
#include "ops/pool/kernels.inc"
}  // namespace lacuna::kernels
