#include "optim/average.h"
#include "tensor/cuda.h"

namespace lacuna {
using Stream = CudaStream;
#include "optim/average.inc"
}  // namespace lacuna
