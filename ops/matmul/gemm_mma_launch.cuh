#pragma once

#include "ops/matmul/gemm_launch.cuh"
#include "ops/matmul/gemm_mma.cuh"

namespace lacuna::kernels::gemm {

template <int terms, int rows, int columns, int warp_rows, int blocks_per_sm, bool a_by_depth, bool b_by_depth,
          bool aligned>
void launch_mma(const CudaStream& stream, const Problem<float>& problem) {
  constexpr int warp_columns = 32, threads = rows / warp_rows * (columns / warp_columns) * 32;
  using B = Block<rows, columns, 32, threads, a_by_depth, b_by_depth, aligned>;
  using M = MmaBlock<B, warp_rows, warp_columns, terms>;
  launch_tiles(stream, problem, rows, columns, threads, M::shared_bytes, mma_kernel<M, threads, blocks_per_sm>);
}

/// Products of one orientation with operands of `terms` bf16 terms. The common ones have tiles of all sizes.
template <int terms, bool a_by_depth, bool b_by_depth>
void run_mma_oriented(const CudaStream& stream, const Problem<float>& problem) {
  const int64_t rows = most_rows(problem), count = int64_t{problem.parts} * problem.batch * problem.splits;
  const int sms = cuda_traits(stream.device).multiprocessors;
  constexpr Tile smaller[] = {mma_tiles[2], mma_tiles[3]}, square[] = {mma_tiles[0], mma_tiles[2]};
  if (!problem.a_vectors || !problem.b_vectors) {
    if constexpr (a_by_depth) {
      if (best_tile(smaller, rows, problem.n, count, sms) == 1) {
        return launch_mma<terms, 128, 32, 32, 2, a_by_depth, b_by_depth, false>(stream, problem);
      }
    }
    return launch_mma<terms, 64, 64, 32, 3, a_by_depth, b_by_depth, false>(stream, problem);
  }
  if constexpr (a_by_depth) {
    switch (best_tile(mma_tiles, rows, problem.n, count, sms)) {
      case 0:
        return launch_mma<terms, 128, 128, 64, 1, a_by_depth, b_by_depth, true>(stream, problem);
      case 1:
        return launch_mma<terms, 128, 64, 32, 2, a_by_depth, b_by_depth, true>(stream, problem);
      case 3:
        return launch_mma<terms, 128, 32, 32, 3, a_by_depth, b_by_depth, true>(stream, problem);
      default:
        break;
    }
  } else if constexpr (!b_by_depth) {
    if (best_tile(square, rows, problem.n, count, sms) == 0) {
      return launch_mma<terms, 128, 128, 64, 1, a_by_depth, b_by_depth, true>(stream, problem);
    }
  }
  launch_mma<terms, 64, 64, 32, 3, a_by_depth, b_by_depth, true>(stream, problem);
}

template <int terms>
void run_mma(const CudaStream& stream, const Problem<float>& problem) {
  if (problem.a_by_depth) {
    problem.b_by_depth ? run_mma_oriented<terms, true, true>(stream, problem)
                       : run_mma_oriented<terms, true, false>(stream, problem);
  } else {
    problem.b_by_depth ? run_mma_oriented<terms, false, true>(stream, problem)
                       : run_mma_oriented<terms, false, false>(stream, problem);
  }
}

}  // namespace lacuna::kernels::gemm
