#include "autograd/kernels.h"
#include "tensor/cuda.h"

namespace lacuna::kernels {
using Stream = CudaStream;
#include "autograd/kernels.inc"
}  // namespace lacuna::kernels
