#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

/// sum = a + b, of one shape and type: how the engine joins the cotangents of a value that several ops used.
void sum_cotangents(const CpuStream& stream, const Tensor& a, const Tensor& b, Tensor& sum);
void sum_cotangents(const CudaStream& stream, const Tensor& a, const Tensor& b, Tensor& sum);

}  // namespace lacuna::kernels
