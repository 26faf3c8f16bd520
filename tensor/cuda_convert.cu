#include "tensor/convert.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
using Stream = CudaStream;
#include "tensor/convert.inc"
}  // namespace lacuna::kernels
