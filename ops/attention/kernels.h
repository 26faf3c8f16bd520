#pragma once

#include "ops/attention/attention.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

void attend(const CpuStream& stream, const AttentionOperands& operands, const StreamOptions& options, Attended& result);
void attend(const CudaStream& stream, const AttentionOperands& operands, const StreamOptions& options,
            Attended& result);

int64_t attend_bytes(const CpuStream& stream, const Shape& f, int64_t picture_channels, DType dtype,
                     const StreamOptions& options);
int64_t attend_bytes(const CudaStream& stream, const Shape& f, int64_t picture_channels, DType dtype,
                     const StreamOptions& options);

/// Adds to the defined ones of `result`, which begin as zeros.
void attend_backward(const CpuStream& stream, const Tensor& g, const AttentionOperands& operands,
                     const StreamOptions& options, AttentionCotangents& result);
void attend_backward(const CudaStream& stream, const Tensor& g, const AttentionOperands& operands,
                     const StreamOptions& options, AttentionCotangents& result);

}  // namespace lacuna::kernels
