#pragma once

#include "ops/conv2d/conv2d.h"
#include "tensor/stream.h"

/// Convolutions by Winograd's minimal filtering, 36 multiplications where the definition has 144: 3 x 3 kernels of
/// stride 1 and any dilation (d * d interleaved undilated ones), and all those that become such ones once pixels are
/// moved to channels: stride 2 with kernels of 5 or 6 taps, the input gradients of either, and the nearest-x2
/// upsampling before a 3 x 3 kernel. Contracts as in ops/conv2d/kernels.h.
namespace lacuna::kernels::winograd {

/// Whether a kernel of kh x kw can be done in this way at all.
bool possible(int64_t kh, int64_t kw, const Conv2dOptions& options);

/// Whether it is faster than the direct way for a convolution between a picture (N,H,W,Ci) and `channels` outputs,
/// where the direct way takes `direct_cost` of its time in this type.
bool faster(const Shape& x, const Shape& w, const Conv2dOptions& options, double direct_cost = 1);

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y);
void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx);
void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options, Tensor& dw);
/// y = activate(conv2d(x upsampled twofold, w) + b) for a 3 x 3 kernel.
void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y);

}  // namespace lacuna::kernels::winograd
