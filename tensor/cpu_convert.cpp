#include "tensor/convert.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "tensor/convert.inc"
}  // namespace lacuna::kernels
