#pragma once

#include "ops/activation/activation.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

void elu(const CpuStream& stream, const Tensor& x, Tensor& y);
void elu(const CudaStream& stream, const Tensor& x, Tensor& y);
void elu_grad(const CpuStream& stream, const Tensor& g, const Tensor& y, Tensor& dx);
void elu_grad(const CudaStream& stream, const Tensor& g, const Tensor& y, Tensor& dx);
void leaky_relu(const CpuStream& stream, const Tensor& x, double slope, Tensor& y);
void leaky_relu(const CudaStream& stream, const Tensor& x, double slope, Tensor& y);
void clip(const CpuStream& stream, const Tensor& x, double lo, double hi, Tensor& y);
void clip(const CudaStream& stream, const Tensor& x, double lo, double hi, Tensor& y);
void gate(const CpuStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y);
void gate(const CudaStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y);
/// elu_grad and gate in one pass with the sums of their result over all axes but the last, (C).
void elu_grad_summed(const CpuStream& stream, const Tensor& g, const Tensor& y, Tensor& dx, Tensor& sums);
void elu_grad_summed(const CudaStream& stream, const Tensor& g, const Tensor& y, Tensor& dx, Tensor& sums);
void gate_summed(const CpuStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y, Tensor& sums);
void gate_summed(const CudaStream& stream, const Tensor& g, const Tensor& x, const Gate& gate, Tensor& y, Tensor& sums);

}  // namespace lacuna::kernels
