#pragma once

#include "ops/conv2d/conv2d.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

/// y = activate(conv2d(x, w) + b); an undefined b adds nothing.
void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y);
void conv2d(const CudaStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y);

/// dx: the input gradient of a convolution with zero padding (same or valid).
void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx);
void conv2d_input(const CudaStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx);

/// dw: the weight gradient.
void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options, Tensor& dw);
void conv2d_weight(const CudaStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw);

/// y = activate(conv2d(x doubled in height and width, w) + b) for a 3 x 3 kernel and any padding but valid.
void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y);
void conv2d_upsampled(const CudaStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y);

/// y (16,9): 1 where, of the 4 x 4 outputs of a 3 x 3 convolution of the doubled picture that read a pixel (from the
/// one before its own two on), output (row, column) reads it by that tap, else 0.
void tap_places(const CpuStream& stream, Tensor& y);
void tap_places(const CudaStream& stream, Tensor& y);

}  // namespace lacuna::kernels
