#pragma once

#include "ops/matmul/gemm_copy.cuh"
#include "ops/matmul/gemm_finish.cuh"
#include "ops/matmul/mma.cuh"

/// The product on the tensor units by instructions of a warp: operands of one bf16 term or two, f32 sums.
namespace lacuna::kernels::gemm {

/// Writes a warp's fragments of results, c[i][j] those of rows row + i * row_step + [0, 16) and columns column + j * 8
/// + [0, 8) of the tile. Lanes with an even number have four neighbours of row lane / 4, the others of the eighth
/// after.
template <int down, int across>
__device__ void finish_fragments(const Problem<float, bf16>& problem, const Work<float, bf16>& work,
                                 const float (&c)[down][across][4], int row, int row_step, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const bool odd = lane % 2 != 0;
#pragma unroll
  for (int i = 0; i < down; ++i) {
#pragma unroll
    for (int j = 0; j < across; ++j) {
      const float(&own)[4] = c[i][j];
      const float first = __shfl_xor_sync(~0u, odd ? own[0] : own[2], 1);
      const float second = __shfl_xor_sync(~0u, odd ? own[1] : own[3], 1);
      float v[4] = {odd ? first : own[0], odd ? second : own[1], odd ? own[2] : first, odd ? own[3] : second};
      finish4(problem, work.part, work.y, work.row + row + i * row_step + lane / 4 + (odd ? 8 : 0),
              work.column + column + j * 8 + lane % 4 / 2 * 4, v);
    }
  }
}

/// Two terms: x is hi + lo to 2^-16 of itself, and of the product all but lo lo is taken.
template <class B, int warp_rows, int warp_columns, int terms, int stages>
struct MmaBlock {
  using S = Stage<B, terms>;
  using A = typename S::A;
  using W = typename S::W;
  using Copies = CopiesAhead<B, terms, stages>;
  static constexpr int threads = B::threads, shared_bytes = Copies::shared_bytes;
  static constexpr int warps_across = B::columns / warp_columns;
  static constexpr int down = warp_rows / 16, across = warp_columns / 8;
  static_assert(B::rows / warp_rows * warps_across * 32 == B::threads && across % 2 == 0 && B::depth % 16 == 0);

  __device__ static void load_a(const unsigned char* tile, int row, int k, uint32_t (&a)[down][4]) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int i = 0; i < down; ++i) {
      if constexpr (B::a_by_depth) {
        warp::load_matrices<false>(a[i], tile + A::offset(row + i * 16 + lane % 16, k + lane / 16 * 8));
      } else {
        warp::load_matrices<true>(a[i],
                                  tile + A::offset(k + lane / 16 * 8 + lane % 8, row + i * 16 + lane / 8 % 2 * 8));
      }
    }
  }
  __device__ static void load_b(const unsigned char* tile, int column, int k, uint32_t (&b)[across][2]) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int j = 0; j < across; j += 2) {
      uint32_t two[4];
      if constexpr (B::b_by_depth) {
        warp::load_matrices<false>(two,
                                   tile + W::offset(column + j * 8 + lane / 16 * 8 + lane % 8, k + lane / 8 % 2 * 8));
      } else {
        warp::load_matrices<true>(two, tile + W::offset(k + lane % 16, column + j * 8 + lane / 16 * 8));
      }
      b[j][0] = two[0];
      b[j][1] = two[1];
      b[j + 1][0] = two[2];
      b[j + 1][1] = two[3];
    }
  }

  using Sums = float[down][across][4];

  __device__ static void multiply(Sums& c, const uint32_t (&a)[down][4], const uint32_t (&b)[across][2]) {
#pragma unroll
    for (int i = 0; i < down; ++i) {
#pragma unroll
      for (int j = 0; j < across; ++j) warp::mma_bf16(c[i][j], a[i], b[j]);
    }
  }

  __device__ static void multiply_tile(Sums& c, const unsigned char* stage, int row, int column) {
    const unsigned char *a_tile = stage, *b_tile = stage + S::b_begin;
#pragma unroll
    for (int k = 0; k < B::depth; k += 16) {
      uint32_t a[down][4], b[across][2];
      load_a(a_tile, row, k, a);
      load_b(b_tile, column, k, b);
      multiply(c, a, b);
      if constexpr (terms == 2) {
        uint32_t b_rest[across][2];
        load_b(b_tile + W::bytes, column, k, b_rest);
        multiply(c, a, b_rest);
        load_a(a_tile + A::bytes, row, k, a);
        multiply(c, a, b);
      }
    }
  }

  __device__ static void run(const Problem<float, bf16>& problem) {
    LACUNA_DYNAMIC_SHARED(shared);
    const auto work = Work<float, bf16>::of_block(problem, B{});
    if (work.row >= work.part.rows) return;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int row = warp / warps_across * warp_rows, column = warp % warps_across * warp_columns;
    Copies copies(problem, work, shared);
    Sums c{};
    for (int i = 0; i < copies.count(); ++i) {
      Copies::wait();
      __syncthreads();
      copies.start(i + stages - 1);
      multiply_tile(c, copies.stage(i), row, column);
    }
    Copies::wait_for_all();
    finish_fragments(problem, work, c, row, 16, column);
  }
};

template <class M, int blocks_per_sm>
__global__ void __launch_bounds__(M::threads, blocks_per_sm)
    mma_kernel(const __grid_constant__ Problem<float, bf16> problem) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  M::run(problem);
#else
  __trap();
#endif
}

}  // namespace lacuna::kernels::gemm
