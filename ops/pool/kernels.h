#pragma once

#include "ops/pool/pool.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

/// index (i32): for each window of x the pixel, row * width + column, of its first largest element.
void max_pool_index(const CpuStream& stream, const Tensor& x, const PoolOptions& options, Tensor& index);
void max_pool_index(const CudaStream& stream, const Tensor& x, const PoolOptions& options, Tensor& index);
/// y: the elements of x named by `index`; linear in x.
void max_pool(const CpuStream& stream, const Tensor& x, const Tensor& index, const PoolOptions& options, Tensor& y);
void max_pool(const CudaStream& stream, const Tensor& x, const Tensor& index, const PoolOptions& options, Tensor& y);
/// The adjoint of max_pool: g added up in x where it was read from.
void max_pool_adjoint(const CpuStream& stream, const Tensor& g, const Tensor& index, const PoolOptions& options,
                      Tensor& x);
void max_pool_adjoint(const CudaStream& stream, const Tensor& g, const Tensor& index, const PoolOptions& options,
                      Tensor& x);
void avg_pool(const CpuStream& stream, const Tensor& x, const PoolOptions& options, Tensor& y);
void avg_pool(const CudaStream& stream, const Tensor& x, const PoolOptions& options, Tensor& y);
void avg_pool_adjoint(const CpuStream& stream, const Tensor& g, const PoolOptions& options, Tensor& x);
void avg_pool_adjoint(const CudaStream& stream, const Tensor& g, const PoolOptions& options, Tensor& x);

}  // namespace lacuna::kernels
