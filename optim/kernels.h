#pragma once

#include <vector>

#include "optim/adam_update.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

// What optimisers do with many tensors at once.
namespace lacuna::kernels {

/// One of Adam's updates of the parameters and their moments; all four lists have the same shapes and types.
void adam(const CpuStream& stream, const AdamStep& step, const std::vector<Tensor>& gradients,
          std::vector<Tensor>& means, std::vector<Tensor>& squares, std::vector<Tensor>& parameters);
void adam(const CudaStream& stream, const AdamStep& step, const std::vector<Tensor>& gradients,
          std::vector<Tensor>& means, std::vector<Tensor>& squares, std::vector<Tensor>& parameters);

/// Each tensor is cut into so many parts to be summed up, so that all sums have a fixed order.
inline constexpr int64_t sum_parts = 32;

/// sums (tensors, sum_parts) f64: in each part of each tensor, how many numbers are not finite.
void count_not_finite(const CpuStream& stream, const std::vector<Tensor>& tensors, Tensor& sums);
void count_not_finite(const CudaStream& stream, const std::vector<Tensor>& tensors, Tensor& sums);

/// sums (tensors, sum_parts) f64: the sum of squares of each part of each tensor.
void sum_squares(const CpuStream& stream, const std::vector<Tensor>& tensors, Tensor& sums);
void sum_squares(const CudaStream& stream, const std::vector<Tensor>& tensors, Tensor& sums);

/// to[k] = factor * from[k].
void scale(const CpuStream& stream, double factor, const std::vector<Tensor>& from, std::vector<Tensor>& to);
void scale(const CudaStream& stream, double factor, const std::vector<Tensor>& from, std::vector<Tensor>& to);

}  // namespace lacuna::kernels
