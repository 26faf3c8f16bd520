#include "ops/activation/functors.h"
#include "ops/activation/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "ops/activation/kernels.inc"
}  // namespace lacuna::kernels
