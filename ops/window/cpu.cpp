#include "ops/window/functors.h"
#include "ops/window/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "ops/window/kernels.inc"
}  // namespace lacuna::kernels
