#pragma once

#include "ops/conv2d/conv2d.h"
#include "tensor/stream.h"

/// The three faces of a convolution, and that of a doubled picture, as implicit matrix products, sum by sum as they are
/// defined: any geometry, f32 and f64. Contracts as in ops/conv2d/kernels.h.
namespace lacuna::kernels::direct {

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y);
void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx);
void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options, Tensor& dw);

void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y);

}  // namespace lacuna::kernels::direct
