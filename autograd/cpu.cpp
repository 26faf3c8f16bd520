#include "autograd/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
using Stream = CpuStream;
#include "autograd/kernels.inc"
}  // namespace lacuna::kernels
