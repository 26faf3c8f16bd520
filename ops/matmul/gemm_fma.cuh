#pragma once

#include "ops/matmul/gemm_fetch.cuh"
#include "ops/matmul/gemm_finish.cuh"

/// The product in the operands' own precision, one fused multiplication and addition after the other.
namespace lacuna::kernels::gemm {

__device__ inline float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ inline double fused(double a, double b, double c) { return __fma_rn(a, b, c); }

__device__ inline void read_shared4(const float* p, float (&v)[4]) {
  const float4 all = *reinterpret_cast<const float4*>(p);
  v[0] = all.x;
  v[1] = all.y;
  v[2] = all.z;
  v[3] = all.w;
}
__device__ inline void read_shared4(const double* p, double (&v)[4]) {
  const double2 first = reinterpret_cast<const double2*>(p)[0], second = reinterpret_cast<const double2*>(p)[1];
  v[0] = first.x;
  v[1] = first.y;
  v[2] = second.x;
  v[3] = second.y;
}

/// Each thread has groups of 4 x 4 results, spread over the tile so that a warp's reads of shared memory lie side by
/// side.
template <class T, class B, int groups>
struct FmaBlock {
  static constexpr int a_pitch = B::rows + 4, b_pitch = B::columns + 4;
  static constexpr int stage_elements = B::depth * (a_pitch + b_pitch);
  static constexpr int shared_bytes = 2 * stage_elements * static_cast<int>(sizeof(T));
  static constexpr int across = B::columns / (4 * groups), down = B::rows / (4 * groups);
  static_assert(across * down == B::threads);

  /// Puts a tile's reads into shared memory, one line for each depth index.
  template <int line, bool by_depth, int pitch, int reads>
  __device__ static void store(T* tile, const T (&v)[reads][4]) {
    using P = Place<by_depth ? B::depth : line, B::threads>;
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < reads; ++i) {
      const int along = P::along(thread), other = P::across(thread, i);
#pragma unroll
      for (int e = 0; e < 4; ++e) tile[by_depth ? (along + e) * pitch + other : other * pitch + along + e] = v[i][e];
    }
  }

  __device__ static void load(const T* line, int first, int spread, T (&v)[groups][4]) {
#pragma unroll
    for (int g = 0; g < groups; ++g) read_shared4(line + g * spread + first, v[g]);
  }

  __device__ static void run(const Problem<T>& problem) {
    LACUNA_DYNAMIC_SHARED(memory);
    T* shared = reinterpret_cast<T*>(memory);
    const Work<T> work = Work<T>::of_block(problem, B{});
    if (work.row >= work.part.rows) return;
    LeftReads<T, B> left(work.part, work.a, problem.a_lines.by_fours(), work.row);
    const RightReads<T, B> right(work.part, work.b, problem.b_lines.by_fours(), work.column, problem.n);
    const int thread = static_cast<int>(threadIdx.x), row = thread / across * 4, column = thread % across * 4;
    T c[groups][4][groups][4] = {};

    T a_read[decltype(left)::reads][4], b_read[decltype(right)::reads][4];
    const auto read = [&](int k) {
      left.read(k, work.end, a_read);
      right.read(k, work.end, b_read);
    };
    const auto put = [&](int stage) {
      T* a = shared + stage * stage_elements;
      store<B::rows, B::a_by_depth, a_pitch>(a, a_read);
      store<B::columns, B::b_by_depth, b_pitch>(a + B::depth * a_pitch, b_read);
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
      const T* a_line = shared + stage * stage_elements;
      const T* b_line = a_line + B::depth * a_pitch;
#pragma unroll 4
      for (int k = 0; k < B::depth; ++k, a_line += a_pitch, b_line += b_pitch) {
        T a[groups][4], b[groups][4];
        load(a_line, row, B::rows / groups, a);
        load(b_line, column, B::columns / groups, b);
#pragma unroll
        for (int i = 0; i < 4 * groups; ++i) {
#pragma unroll
          for (int j = 0; j < 4 * groups; ++j) {
            T& sum = c[i / 4][i % 4][j / 4][j % 4];
            sum = fused(a[i / 4][i % 4], b[j / 4][j % 4], sum);
          }
        }
      }
      stage ^= 1;
      if (more) put(stage);
      __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4 * groups; ++i) {
#pragma unroll
      for (int j = 0; j < groups; ++j) {
        finish4(problem, work.part, work.y, work.row + i / 4 * (B::rows / groups) + row + i % 4,
                work.column + j * (B::columns / groups) + column, c[i / 4][i % 4][j]);
      }
    }
  }
};

template <class T, class F, int threads>
__global__ void __launch_bounds__(threads, 1) fma_kernel(const __grid_constant__ Problem<T> problem) {
  F::run(problem);
}

}  // namespace lacuna::kernels::gemm
