#pragma once

#include "ops/matmul/gemm_tensor_launch.cuh"
#include "ops/matmul/gemm_wgmma.cuh"

namespace lacuna::kernels::gemm {

template <int terms>
struct WgmmaKernels {
  static constexpr auto& tiles = wgmma_tiles;

  template <size_t index, bool a_by_depth, bool b_by_depth>
  static void launch(const CudaStream& stream, const Problem<float, bf16>& problem) {
    constexpr Tile tile = tiles[index];
    constexpr int threads = tile.columns < 64 ? 128 : 2 * tile.rows;  // a warpgroup for 64 rows, narrow ones for all
    using B = Block<tile.rows, tile.columns, tile_depth<terms>, threads, a_by_depth, b_by_depth>;
    using M = WgmmaBlock<B, terms, copy_stages>;
    launch_tiles(stream, problem, tile.rows, tile.columns, threads, M::shared_bytes,
                 wgmma_kernel<M, tile.blocks_per_sm>);
  }
};

}  // namespace lacuna::kernels::gemm
