#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

/// y: x repeated along its axes of extent 1, aligned from the last.
void broadcast_to(const CpuStream& stream, const Tensor& x, Tensor& y);
void broadcast_to(const CudaStream& stream, const Tensor& x, Tensor& y);
/// y: x summed over the axes in which y has extent 1 (or none).
void sum_to(const CpuStream& stream, const Tensor& x, Tensor& y);
void sum_to(const CudaStream& stream, const Tensor& x, Tensor& y);

}  // namespace lacuna::kernels
