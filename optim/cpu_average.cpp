#include "optim/average.h"
#include "tensor/launch.h"

namespace lacuna {
using Stream = CpuStream;
#include "optim/average.inc"
}  // namespace lacuna
