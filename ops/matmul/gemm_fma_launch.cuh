#pragma once

#include "ops/matmul/gemm_fma.cuh"
#include "ops/matmul/gemm_launch.cuh"

namespace lacuna::kernels::gemm {

template <class T, int edge, int groups, bool a_by_depth, bool b_by_depth>
void launch_fma(const CudaStream& stream, const Problem<T>& problem) {
  constexpr int threads = edge / (4 * groups) * (edge / (4 * groups));
  using B = Block<edge, edge, 16, threads, a_by_depth, b_by_depth>;
  using F = FmaBlock<T, B, groups>;
  launch_tiles(stream, problem, edge, edge, threads, F::shared_bytes, fma_kernel<T, F, threads>);
}

/// Square tiles of `small`, and of 128 where the device is filled by them.
template <class T, int small, bool large_tiles>
void run_fma(const CudaStream& stream, const Problem<T>& problem) {
  constexpr Tile tiles[] = {{128, 128, 1, 1.0}, {small, small, 2, 0.7}};
  const int64_t count = int64_t{problem.parts} * problem.batch * problem.splits;
  const auto with = [&]<bool a_by_depth, bool b_by_depth>(std::bool_constant<a_by_depth>,
                                                          std::bool_constant<b_by_depth>) {
    if constexpr (large_tiles && (a_by_depth || !b_by_depth)) {
      if (best_tile(tiles, most_rows(problem), problem.n, count, cuda_traits(stream.device).multiprocessors) == 0) {
        return launch_fma<T, 128, 2, a_by_depth, b_by_depth>(stream, problem);
      }
    }
    launch_fma<T, small, 1, a_by_depth, b_by_depth>(stream, problem);
  };
  constexpr std::true_type yes;
  constexpr std::false_type no;
  if (problem.a_by_depth) return problem.b_by_depth ? with(yes, yes) : with(yes, no);
  problem.b_by_depth ? with(no, yes) : with(no, no);
}

}  // namespace lacuna::kernels::gemm
