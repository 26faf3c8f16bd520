#pragma once

#include "ops/unfold/unfold.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

void unfold(const CpuStream& stream, const Tensor& x, const PatchOptions& options, Tensor& y);
void unfold(const CudaStream& stream, const Tensor& x, const PatchOptions& options, Tensor& y);
void fold(const CpuStream& stream, const Tensor& patches, const PatchOptions& options, Tensor& y);
void fold(const CudaStream& stream, const Tensor& patches, const PatchOptions& options, Tensor& y);

}  // namespace lacuna::kernels
