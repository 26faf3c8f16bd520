#pragma once

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace lacuna::kernels {

/// index (i32, x's shape with extent 1 in `axis`): where along `axis` x first attains its largest element.
void argmax(const CpuStream& stream, const Tensor& x, int axis, Tensor& index);
void argmax(const CudaStream& stream, const Tensor& x, int axis, Tensor& index);
/// y (index's shape): x's element at `index` along `axis`.
void pick(const CpuStream& stream, const Tensor& x, const Tensor& index, int axis, Tensor& y);
void pick(const CudaStream& stream, const Tensor& x, const Tensor& index, int axis, Tensor& y);
/// y: 1 at `index` along `axis`, elsewhere 0.
void one_hot(const CpuStream& stream, const Tensor& index, int axis, Tensor& y);
void one_hot(const CudaStream& stream, const Tensor& index, int axis, Tensor& y);

}  // namespace lacuna::kernels
