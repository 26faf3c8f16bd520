#include "ops/pool/functors.h"
#include "ops/pool/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "ops/pool/kernels.inc"
}  // namespace lacuna::kernels
