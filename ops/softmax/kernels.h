#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

/// y: exp(x - max) / sum(exp(x - max)) along the last axis.
void softmax(const CpuStream& stream, const Tensor& x, Tensor& y);
void softmax(const CudaStream& stream, const Tensor& x, Tensor& y);

}  // namespace lacuna::kernels
