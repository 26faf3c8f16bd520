#pragma once

#include "ops/matmul/gemm_mma.cuh"
#include "ops/matmul/gemm_tensor_launch.cuh"

namespace lacuna::kernels::gemm {

template <int terms>
struct MmaKernels {
  static constexpr auto& tiles = mma_tiles;

  template <size_t index, bool a_by_depth, bool b_by_depth>
  static void launch(const CudaStream& stream, const Problem<float, bf16>& problem) {
    constexpr Tile tile = tiles[index];
    constexpr int warp_rows = tile.rows == 128 && tile.columns == 128 ? 64 : 32, warp_columns = 32;
    constexpr int threads = tile.rows / warp_rows * (tile.columns / warp_columns) * 32;
    using B = Block<tile.rows, tile.columns, tile_depth<terms>, threads, a_by_depth, b_by_depth>;
    using M = MmaBlock<B, warp_rows, warp_columns, terms, copy_stages>;
    launch_tiles(stream, problem, tile.rows, tile.columns, threads, M::shared_bytes, mma_kernel<M, tile.blocks_per_sm>);
  }
};

}  // namespace lacuna::kernels::gemm
