#include <cmath>

#include "ops/random/functors.h"
#include "ops/random/kernels.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
using Stream = CudaStream;
#include "ops/random/kernels.inc"
}  // namespace lacuna::kernels
