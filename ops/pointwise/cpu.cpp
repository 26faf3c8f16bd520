#include "ops/pointwise/functors.h"
#include "ops/pointwise/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "ops/pointwise/kernels.inc"
}  // namespace lacuna::kernels
