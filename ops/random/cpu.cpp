#include <cmath>

#include "ops/random/functors.h"
#include "ops/random/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "ops/random/kernels.inc"
}  // namespace lacuna::kernels
