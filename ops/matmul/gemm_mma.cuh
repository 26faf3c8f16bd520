#pragma once

#include "ops/matmul/gemm_fetch.cuh"
#include "ops/matmul/gemm_finish.cuh"
#include "ops/matmul/mma.cuh"

/// The product on the tensor units: f32 operands, rounded to one bf16 term or split into two as they go to shared
/// memory; f32 sums.
namespace lacuna::kernels::gemm {

/// A tile of 16-bit elements in shared memory, as it lies in memory: `lines` lines of `line` elements. The pitch is an
/// odd number of 16 bytes, so that eight neighbouring lines lie in different banks.
template <int lines_, int line_>
struct SharedTile {
  static constexpr int lines = lines_, line = line_, pitch = line + 8, elements = lines * pitch;
};

/// Two terms: x is hi + lo to 2^-16 of itself, and of the product all but lo lo is taken.
template <class B, int warp_rows, int warp_columns, int terms>
struct MmaBlock {
  using A = std::conditional_t<B::a_by_depth, SharedTile<B::rows, B::depth>, SharedTile<B::depth, B::rows>>;
  using W = std::conditional_t<B::b_by_depth, SharedTile<B::columns, B::depth>, SharedTile<B::depth, B::columns>>;
  static constexpr int stage_elements = terms * (A::elements + W::elements), stages = 2;
  static constexpr int shared_bytes = 2 * stages * stage_elements;
  static constexpr int warps_down = B::rows / warp_rows, warps_across = B::columns / warp_columns;
  static constexpr int down = warp_rows / 16, across = warp_columns / 8;
  static_assert(warps_down * warps_across * 32 == B::threads && across % 2 == 0 && B::depth % 16 == 0);

  /// Puts a tile's reads into shared memory, term by term.
  template <class Tile, int reads>
  __device__ static void store(uint16_t* tile, const float (&v)[reads][4]) {
    using P = Place<Tile::line, B::threads>;
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < reads; ++i) {
      uint16_t* to = tile + P::across(thread, i) * Tile::pitch + P::along(thread);
      const uint2 hi = {warp::pack_bf16(v[i][0], v[i][1]), warp::pack_bf16(v[i][2], v[i][3])};
      *reinterpret_cast<uint2*>(to) = hi;
      if constexpr (terms == 2) {
        const auto rest = [&](int e, uint32_t pair) {
          return v[i][e] - __uint_as_float(e % 2 ? pair & 0xffff0000u : pair << 16);
        };
        *reinterpret_cast<uint2*>(to + Tile::elements) = {warp::pack_bf16(rest(0, hi.x), rest(1, hi.x)),
                                                          warp::pack_bf16(rest(2, hi.y), rest(3, hi.y))};
      }
    }
  }

  __device__ static void load_a(const uint16_t* tile, int row, int k, uint32_t (&a)[down][4]) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int i = 0; i < down; ++i) {
      if constexpr (B::a_by_depth) {
        warp::load_matrices<false>(a[i], tile + (row + i * 16 + lane % 16) * A::pitch + k + lane / 16 * 8);
      } else {
        warp::load_matrices<true>(a[i],
                                  tile + (k + lane / 16 * 8 + lane % 8) * A::pitch + row + i * 16 + lane / 8 % 2 * 8);
      }
    }
  }
  __device__ static void load_b(const uint16_t* tile, int column, int k, uint32_t (&b)[across][2]) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int j = 0; j < across; j += 2) {
      uint32_t two[4];
      if constexpr (B::b_by_depth) {
        warp::load_matrices<false>(
            two, tile + (column + j * 8 + lane / 16 * 8 + lane % 8) * W::pitch + k + lane / 8 % 2 * 8);
      } else {
        warp::load_matrices<true>(two, tile + (k + lane % 16) * W::pitch + column + j * 8 + lane / 16 * 8);
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

  /// Four neighbours of a row to each thread: lanes with an even t have row g, the others row g + 8.
  __device__ static void finish(const Problem<float>& problem, const Work<float>& work, Sums& c, int row, int column) {
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
        finish4(problem, work.part, work.y, work.row + row + i * 16 + lane / 4 + (odd ? 8 : 0),
                work.column + column + j * 8 + lane % 4 / 2 * 4, v);
      }
    }
  }

  __device__ static void run(const Problem<float>& problem) {
    LACUNA_DYNAMIC_SHARED(memory);
    auto* shared = reinterpret_cast<uint16_t*>(memory);
    const Work<float> work = Work<float>::of_block(problem, B{});
    if (work.row >= work.part.rows) return;
    LeftReads<float, B> left(work.part, work.a, problem.a_vectors, work.row);
    const RightReads<float, B> right(work.part, work.b, problem.b_vectors, work.column, problem.n);
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int row = warp / warps_across * warp_rows, column = warp % warps_across * warp_columns;
    Sums c{};

    float a_read[B::a_reads][4], b_read[B::b_reads][4];
    const auto read = [&](int k) {
      left.read(k, work.end, a_read);
      right.read(k, work.end, b_read);
    };
    const auto put = [&](int stage) {
      uint16_t* a = shared + stage * stage_elements;
      store<A>(a, a_read);
      store<W>(a + terms * A::elements, b_read);
    };
    if (work.begin < work.end) {
      read(work.begin);
      put(0);
    }
    __syncthreads();
    int stage = 0;
    for (int k0 = work.begin; k0 < work.end; k0 += B::depth) {
      const bool more = k0 + B::depth < work.end;
      if (more) read(k0 + B::depth);
      const uint16_t* a_tile = shared + stage * stage_elements;
      const uint16_t* b_tile = a_tile + terms * A::elements;
#pragma unroll
      for (int k = 0; k < B::depth; k += 16) {
        uint32_t a[down][4], b[across][2];
        load_a(a_tile, row, k, a);
        load_b(b_tile, column, k, b);
        multiply(c, a, b);
        if constexpr (terms == 2) {
          uint32_t b_rest[across][2];
          load_b(b_tile + W::elements, column, k, b_rest);
          multiply(c, a, b_rest);
          load_a(a_tile + A::elements, row, k, a);
          multiply(c, a, b);
        }
      }
      stage ^= 1;
      if (more) put(stage);
      __syncthreads();
    }
    finish(problem, work, c, row, column);
  }
};

template <class M, int threads, int blocks_per_sm>
__global__ void __launch_bounds__(threads, blocks_per_sm) mma_kernel(const __grid_constant__ Problem<float> problem) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  M::run(problem);
#else
  __trap();
#endif
}

}  // namespace lacuna::kernels::gemm
