#pragma once

#include "ops/matmul/gemm_mma.cuh"
#include "ops/matmul/gemm_tensor_launch.cuh"

namespace lacuna::kernels::gemm {

template <int terms>
struct MmaKernels {
  template <size_t index, bool a_by_depth, bool b_by_depth>
  static void launch(const CudaStream& stream, const Problem<float, bf16>& problem) {
    constexpr Tile tile = tensor_tiles[index];
    constexpr int warp_rows = tile.rows == 128 && tile.columns == 128 ? 64 : 32, warp_columns = 32;
    constexpr int threads = tile.rows / warp_rows * (tile.columns / warp_columns) * 32;
    using B = Block<tile.rows, tile.columns, tile_depth<terms>, threads, a_by_depth, b_by_depth>;
    using M = MmaBlock<B, warp_rows, warp_columns, terms, copy_stages>;
    // A warp's 64 x 32 sums leave no registers for a second block.
    constexpr int blocks_per_sm = warp_rows == 64 ? 1 : tile.blocks_per_sm;
    launch_tiles(stream, problem, tile.rows, tile.columns, threads, M::shared_bytes, mma_kernel<M, blocks_per_sm>);
  }
};

}  // namespace lacuna::kernels::gemm
