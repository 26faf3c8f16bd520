#pragma once

#include "ops/matmul/gemm_mma.cuh"
#include "ops/matmul/wgmma.cuh"

/// The product on Hopper's tensor units, by instructions of a warpgroup that read both operands from shared memory
/// themselves, beside the threads' next copies.
namespace lacuna::kernels::gemm {

/// Each warpgroup has 64 rows of the tile, or several times 64. Two terms as in MmaBlock.
template <class B, int terms, int stages>
struct WgmmaBlock {
  using S = Stage<B, terms>;
  using A = typename S::A;
  using W = typename S::W;
  using Copies = CopiesAhead<B, terms, stages>;
  static constexpr int threads = B::threads, shared_bytes = Copies::shared_bytes;
  static constexpr int group_rows = B::rows / (threads / 128), down = group_rows / 64;
  static_assert(threads % 128 == 0 && B::rows % (threads / 128) == 0 && group_rows % 64 == 0 && B::depth % 16 == 0);

  using Sums = float[down][B::columns / 8][4];

  /// A term of an operand: rows or columns from `first` on, depth from k on.
  template <class Tile, bool by_depth>
  __device__ static warpgroup::Operand operand(const unsigned char* tile, int first, int k) {
    const int offset =
        by_depth ? first * Tile::line_bytes + 2 * k : first / Tile::width * Tile::panel_bytes + k * Tile::line_bytes;
    return warpgroup::Operand::at<Tile::line_bytes>(tile, offset, Tile::panel_bytes);
  }

  __device__ static void multiply_tile(Sums& c, const unsigned char* stage, int row) {
    warpgroup::begin(c);
#pragma unroll
    for (int k = 0; k < B::depth; k += 16) {
#pragma unroll
      for (int i = 0; i < down; ++i) {
        const auto multiply = [&](int a_term, int b_term) {
          const auto a = operand<A, B::a_by_depth>(stage + a_term * A::bytes, row + i * 64, k);
          const auto b = operand<W, B::b_by_depth>(stage + S::b_begin + b_term * W::bytes, 0, k);
          warpgroup::multiply<B::columns, !B::a_by_depth, !B::b_by_depth>(c[i], a, b);
        };
        multiply(0, 0);
        if constexpr (terms == 2) {
          multiply(0, 1);
          multiply(1, 0);
        }
      }
    }
    warpgroup::commit();
  }

  __device__ static void run(const Problem<float, bf16>& problem) {
    LACUNA_DYNAMIC_SHARED(shared);
    const auto work = Work<float, bf16>::of_block(problem, B{});
    if (work.row >= work.part.rows) return;
    const int row = static_cast<int>(threadIdx.x) / 128 * group_rows;
    Copies copies(problem, work, shared);
    Sums c{};
    for (int i = 0; i < copies.count(); ++i) {
      Copies::wait();
      warpgroup::publish();
      warpgroup::wait(c);  // for the products of tile i - 1, whose stage is the next to be overwritten
      __syncthreads();
      multiply_tile(c, copies.stage(i), row);
      copies.start(i + stages - 1);
    }
    warpgroup::wait(c);
    Copies::wait_for_all();
    finish_fragments(problem, work, c, row + static_cast<int>(threadIdx.x) / 32 % 4 * 16, 64, 0);
  }
};

template <class M, int blocks_per_sm>
__global__ void __launch_bounds__(M::threads, blocks_per_sm)
    wgmma_kernel(const __grid_constant__ Problem<float, bf16> problem) {
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
  M::run(problem);
#else
  __trap();
#endif
}

}  // namespace lacuna::kernels::gemm
