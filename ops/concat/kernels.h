#pragma once

#include <vector>

#include "ops/concat/concat.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

/// y = elements [start, start + y.dim(axis)) of `axis` of x.
void slice(const CpuStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y);
void slice(const CudaStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y);
/// Writes x to elements [start, start + x.dim(axis)) of `axis` of y; the others stay as they are.
void place(const CpuStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y);
void place(const CudaStream& stream, const Tensor& x, int axis, int64_t start, Tensor& y);

/// y = x with its axes exchanged, for an order in which no axis is followed by its successor in x.
void permute(const CpuStream& stream, const Tensor& x, const std::vector<int>& axes, Tensor& y);
void permute(const CudaStream& stream, const Tensor& x, const std::vector<int>& axes, Tensor& y);

}  // namespace lacuna::kernels
