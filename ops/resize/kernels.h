#pragma once

#include "ops/resize/resize.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

void resize_nearest(const CpuStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y);
void resize_nearest(const CudaStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y);
void resize_nearest_adjoint(const CpuStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx);
void resize_nearest_adjoint(const CudaStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx);
void resize_bilinear(const CpuStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y);
void resize_bilinear(const CudaStream& stream, const Tensor& x, const ResizeOptions& options, Tensor& y);
void resize_bilinear_adjoint(const CpuStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx);
void resize_bilinear_adjoint(const CudaStream& stream, const Tensor& g, const ResizeOptions& options, Tensor& dx);

}  // namespace lacuna::kernels
