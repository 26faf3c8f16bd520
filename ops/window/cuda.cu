#include "ops/window/functors.h"
#include "ops/window/kernels.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
using Stream = CudaStream;
#include "ops/window/kernels.inc"
}  // namespace lacuna::kernels
