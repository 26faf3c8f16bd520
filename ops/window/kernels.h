#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

/// y = the windows of x at the corners, or at the corners' opposites: windows that begin as far before the pictures.
void windows(const CpuStream& stream, const Tensor& x, const Tensor& corners, bool opposite, Tensor& y);
void windows(const CudaStream& stream, const Tensor& x, const Tensor& corners, bool opposite, Tensor& y);

}  // namespace lacuna::kernels
