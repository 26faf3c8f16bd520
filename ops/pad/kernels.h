#pragma once

#include "ops/pad/pad.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

void pad(const CpuStream& stream, const Tensor& x, const Padding2d& padding, PadMode mode, Tensor& y);
void pad(const CudaStream& stream, const Tensor& x, const Padding2d& padding, PadMode mode, Tensor& y);
/// For the mirroring modes; in mode zero unpad is a crop.
void unpad(const CpuStream& stream, const Tensor& g, const Padding2d& padding, PadMode mode, Tensor& dx);
void unpad(const CudaStream& stream, const Tensor& g, const Padding2d& padding, PadMode mode, Tensor& dx);
/// y = the rows and columns of x from (top, left) on.
void crop(const CpuStream& stream, const Tensor& x, int64_t top, int64_t left, Tensor& y);
void crop(const CudaStream& stream, const Tensor& x, int64_t top, int64_t left, Tensor& y);

}  // namespace lacuna::kernels
