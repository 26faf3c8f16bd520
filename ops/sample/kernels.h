#pragma once

#include "ops/sample/sample.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

/// Throws, naming `op`, unless every index is in [0, rows); on a CUDA device when that is next waited for.
void check_indices(const CpuStream& stream, const char* op, const Tensor& indices, int64_t rows);
void check_indices(const CudaStream& stream, const char* op, const Tensor& indices, int64_t rows);
void gather(const CpuStream& stream, const Tensor& x, const Tensor& indices, Tensor& y);
void gather(const CudaStream& stream, const Tensor& x, const Tensor& indices, Tensor& y);
/// Adds to y, whose columns are those of g.
void scatter_add(const CpuStream& stream, const Tensor& g, const Tensor& indices, Tensor& y);
void scatter_add(const CudaStream& stream, const Tensor& g, const Tensor& indices, Tensor& y);
void grid_sample(const CpuStream& stream, const Tensor& x, const Tensor& grid, SampleDerivative order, Tensor& y);
void grid_sample(const CudaStream& stream, const Tensor& x, const Tensor& grid, SampleDerivative order, Tensor& y);
/// Adds to x.
void grid_sample_adjoint(const CpuStream& stream, const Tensor& g, const Tensor& grid, SampleDerivative order,
                         Tensor& x);
void grid_sample_adjoint(const CudaStream& stream, const Tensor& g, const Tensor& grid, SampleDerivative order,
                         Tensor& x);

}  // namespace lacuna::kernels
