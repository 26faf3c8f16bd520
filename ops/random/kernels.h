#pragma once

#include "tensor/philox.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

/// y[i] = lo + (hi - lo) u(i), held below hi where rounding would reach it.
void random_uniform(const CpuStream& stream, const Philox& random, double lo, double hi, Tensor& y);
void random_uniform(const CudaStream& stream, const Philox& random, double lo, double hi, Tensor& y);
void random_normal(const CpuStream& stream, const Philox& random, Tensor& y);
void random_normal(const CudaStream& stream, const Philox& random, Tensor& y);

}  // namespace lacuna::kernels
