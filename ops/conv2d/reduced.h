#pragma once

#include "ops/conv2d/conv2d.h"
#include "tensor/stream.h"

/// The three faces of an f32 convolution in bf16 products with f32 sums, as ops/matmul/bf16.h describes them for each
/// Precision: implicit matrix products on padded bf16 copies of the input, made band by band. Contracts as in
/// ops/conv2d/kernels.h, but that an infinity or NaN in an operand may spread to the neighbouring pixels of a row.
namespace lacuna::kernels::reduced {

/// Whether this CPU has the units for the stream's precision, and the type is f32.
bool possible(const CpuStream& stream, DType dtype);

/// The time that they take, relative to the direct way in f32; 1 where they are not faster, or not possible.
double cost(const CpuStream& stream, DType dtype);

/// Whether they are faster than the direct way in f32.
inline bool suits(const CpuStream& stream, DType dtype) { return cost(stream, dtype) < 1; }

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y);
void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx);
void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options, Tensor& dw);
/// y = activate(conv2d(x upsampled twofold to the nearest, w) + b) for a 3 x 3 kernel and any padding but valid: four
/// 2 x 2 kernels, one for each parity of the output's row and column, and 4/9 of the multiplications.
void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y);

}  // namespace lacuna::kernels::reduced
