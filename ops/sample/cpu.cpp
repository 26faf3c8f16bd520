#include "ops/sample/functors.h"
#include "ops/sample/kernels.h"
#include "tensor/launch.h"

namespace lacuna::kernels {
namespace {

constexpr int64_t channels_per_block = 16;  // a cache line of f32

int64_t blocks_of(int64_t channels) { return (channels + channels_per_block - 1) / channels_per_block; }

// The functor on every index, each long enough to be worth a thread of its own.
template <class F>
void for_each_block(const CpuStream& stream, int64_t n, const F& f) {
  parallel_for(stream, n, 1, [&](int64_t begin, int64_t) { f(begin); });
}

}  // namespace

using Stream = CpuStream;
#include "ops/sample/kernels.inc"

void check_indices(const CpuStream& stream, const char* op, const Tensor& indices, int64_t rows) {
  parallel_for(stream, indices.numel(), 1 << 16, [&](int64_t begin, int64_t end) {
    const int32_t* index = indices.data<int32_t>();
    for (int64_t k = begin; k < end; ++k) {
      check(index[k] >= 0 && index[k] < rows, "[", op, "] index ", index[k], " lies outside the ", rows, " rows");
    }
  });
}

void scatter_add(const CpuStream& stream, const Tensor& g, const Tensor& indices, Tensor& y) {
  visit_float(g.dtype(), "scatter_add", [&]<class T>(T) {
    const int64_t row = g.numel() == 0 ? 0 : g.numel() / indices.numel();
    for_each_block(stream, blocks_of(row),
                   functors::ScatterAdd<T>{.g = g.data<T>(),
                                           .indices = indices.data<int32_t>(),
                                           .count = indices.numel(),
                                           .row = row,
                                           .width = channels_per_block,
                                           .y = y.data<T>()});
  });
}

void grid_sample_adjoint(const CpuStream& stream, const Tensor& g, const Tensor& grid, SampleDerivative order,
                         Tensor& x) {
  visit_float(g.dtype(), "grid_sample_adjoint", [&]<class T>(T) {
    const int64_t blocks = blocks_of(g.dim(3));
    for_each_block(stream, g.dim(0) * blocks,
                   functors::GridSampleAdjoint<T>{.g = g.data<T>(),
                                                  .grid = grid.data<T>(),
                                                  .shape = sample_shape(x.shape(), grid.shape()),
                                                  .order = order,
                                                  .block = channels_per_block,
                                                  .blocks = blocks,
                                                  .x = x.data<T>()});
  });
}

}  // namespace lacuna::kernels
