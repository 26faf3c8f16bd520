#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

void exp(const CpuStream& stream, const Tensor& x, Tensor& y);
void log(const CpuStream& stream, const Tensor& x, Tensor& y);
void sqrt(const CpuStream& stream, const Tensor& x, Tensor& y);
void rsqrt(const CpuStream& stream, const Tensor& x, Tensor& y);
void square(const CpuStream& stream, const Tensor& x, Tensor& y);
void abs(const CpuStream& stream, const Tensor& x, Tensor& y);
void sign(const CpuStream& stream, const Tensor& x, Tensor& y);
void sigmoid(const CpuStream& stream, const Tensor& x, Tensor& y);
void softplus(const CpuStream& stream, const Tensor& x, Tensor& y);
void tanh(const CpuStream& stream, const Tensor& x, Tensor& y);

}  // namespace lacuna::kernels
