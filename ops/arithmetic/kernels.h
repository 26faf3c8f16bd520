#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

/// y, of the operands' broadcast shape: the operation on the operands stretched to it.
void add(const CpuStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
void add(const CudaStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
void sub(const CpuStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
void sub(const CudaStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
void mul(const CpuStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
void mul(const CudaStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
void div(const CpuStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
void div(const CudaStream& stream, const Tensor& a, const Tensor& b, Tensor& y);
/// y = factor * x + offset.
void affine(const CpuStream& stream, const Tensor& x, double factor, double offset, Tensor& y);
void affine(const CudaStream& stream, const Tensor& x, double factor, double offset, Tensor& y);

}  // namespace lacuna::kernels
