#pragma once

#include "ops/matmul/gemm_launch.cuh"

namespace lacuna::kernels::gemm {

/// Runs a product of one orientation by Kernels::launch, in the tile that suits it. The common orientations have tiles
/// of all sizes.
template <class Kernels, bool a_by_depth, bool b_by_depth>
void run_oriented(const CudaStream& stream, const Problem<float, bf16>& problem) {
  const int64_t rows = most_rows(problem), count = int64_t{problem.parts} * problem.batch * problem.splits;
  const int sms = cuda_traits(stream.device).multiprocessors;
  if constexpr (a_by_depth) {
    switch (best_tile(Kernels::tiles, rows, problem.n, count, sms)) {
      case 0:
        return Kernels::template launch<0, a_by_depth, b_by_depth>(stream, problem);
      case 1:
        return Kernels::template launch<1, a_by_depth, b_by_depth>(stream, problem);
      case 3:
        return Kernels::template launch<3, a_by_depth, b_by_depth>(stream, problem);
      default:
        break;
    }
  } else if constexpr (!b_by_depth) {
    constexpr Tile square[] = {Kernels::tiles[0], Kernels::tiles[2]};
    if (best_tile(square, rows, problem.n, count, sms) == 0) {
      return Kernels::template launch<0, a_by_depth, b_by_depth>(stream, problem);
    }
  }
  Kernels::template launch<2, a_by_depth, b_by_depth>(stream, problem);
}

template <class Kernels>
void run_tensor_units(const CudaStream& stream, const Problem<float, bf16>& problem) {
  if (problem.a_by_depth) {
    problem.b_by_depth ? run_oriented<Kernels, true, true>(stream, problem)
                       : run_oriented<Kernels, true, false>(stream, problem);
  } else {
    problem.b_by_depth ? run_oriented<Kernels, false, true>(stream, problem)
                       : run_oriented<Kernels, false, false>(stream, problem);
  }
}

/// Depth of a tile in shared memory: two terms take the room of one of twice the depth.
template <int terms>
constexpr int tile_depth = 64 / terms;

constexpr int copy_stages = 3;

}  // namespace lacuna::kernels::gemm
