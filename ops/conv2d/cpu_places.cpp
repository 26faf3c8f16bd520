#include "ops/conv2d/functors.h"
#include "ops/conv2d/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "ops/conv2d/kernels.inc"
}  // namespace lacuna::kernels
