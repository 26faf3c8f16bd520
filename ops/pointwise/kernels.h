#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

void exp(const CpuStream& stream, const Tensor& x, Tensor& y);
void exp(const CudaStream& stream, const Tensor& x, Tensor& y);
void log(const CpuStream& stream, const Tensor& x, Tensor& y);
void log(const CudaStream& stream, const Tensor& x, Tensor& y);
void sqrt(const CpuStream& stream, const Tensor& x, Tensor& y);
void sqrt(const CudaStream& stream, const Tensor& x, Tensor& y);
void rsqrt(const CpuStream& stream, const Tensor& x, Tensor& y);
void rsqrt(const CudaStream& stream, const Tensor& x, Tensor& y);
void square(const CpuStream& stream, const Tensor& x, Tensor& y);
void square(const CudaStream& stream, const Tensor& x, Tensor& y);
void abs(const CpuStream& stream, const Tensor& x, Tensor& y);
void abs(const CudaStream& stream, const Tensor& x, Tensor& y);
void sign(const CpuStream& stream, const Tensor& x, Tensor& y);
void sign(const CudaStream& stream, const Tensor& x, Tensor& y);
void sigmoid(const CpuStream& stream, const Tensor& x, Tensor& y);
void sigmoid(const CudaStream& stream, const Tensor& x, Tensor& y);
void softplus(const CpuStream& stream, const Tensor& x, Tensor& y);
void softplus(const CudaStream& stream, const Tensor& x, Tensor& y);
void tanh(const CpuStream& stream, const Tensor& x, Tensor& y);
void tanh(const CudaStream& stream, const Tensor& x, Tensor& y);

}  // namespace lacuna::kernels
