#pragma once

#include "ops/diagonal/diagonal.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

void diagonal_sum(const CpuStream& stream, const Tensor& x, const ShiftRange& shifts, Tensor& y);
void diagonal_sum(const CudaStream& stream, const Tensor& x, const ShiftRange& shifts, Tensor& y);

}  // namespace lacuna::kernels
