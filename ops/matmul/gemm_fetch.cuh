#pragma once

#include "ops/matmul/gemm_work.cuh"

/// How a block's threads read the operands' tiles from memory, four elements each time.
namespace lacuna::kernels::gemm {

/// Where the thread's i-th read of a tile lies whose lines are `line` elements long: its line, and the first element.
template <int line, int threads>
struct Place {
  static constexpr int per_line = line / 4, step = threads / per_line;
  static_assert(threads % per_line == 0);

  __device__ static int along(int thread) { return thread % per_line * 4; }
  __device__ static int across(int thread, int i) { return thread / per_line + i * step; }
};

__device__ inline void read4(const float* p, float (&v)[4]) {
  const float4 all = __ldg(reinterpret_cast<const float4*>(p));
  v[0] = all.x;
  v[1] = all.y;
  v[2] = all.z;
  v[3] = all.w;
}
__device__ inline void read4(const double* p, double (&v)[4]) {
  for (int e = 0; e < 4; ++e) v[e] = __ldg(p + e);
}

/// Four elements from p, or zeros.
template <class T>
__device__ void read4_if(bool valid, const T* p, T (&v)[4]) {
#pragma unroll
  for (int e = 0; e < 4; ++e) v[e] = 0;
  if (valid) read4(p, v);
}

/// The left operand's reads of this thread.
template <class T, class B>
class LeftReads {
  using ByDepth = Place<B::depth, B::threads>;
  using ByPlace = Place<B::rows, B::threads>;

 public:
  static constexpr int reads = B::rows * B::depth / 4 / B::threads;

  __device__ LeftReads(const Part& part, const T* data, bool vectors, int first_row)
      : g_(part.a), data_(data), vectors_(vectors) {
    const int thread = static_cast<int>(threadIdx.x);
    if constexpr (B::a_by_depth) {
#pragma unroll
      for (int i = 0; i < reads; ++i) {
        const int row = first_row + ByDepth::across(thread, i);
        place_[i] = row < part.rows ? g_.place(row) : Gathered::Place{-1, 0, 0};
      }
    } else {
      first_ = first_row + ByPlace::along(thread);
      tap_ = g_.taps.at(first_);
    }
  }

  /// Depth [first, end) or less; zeros beyond.
  __device__ void read(int first, int end, T (&v)[reads][4]) {
    if (!vectors_) return read_singly(first, end, v);
    const int thread = static_cast<int>(threadIdx.x);
    if constexpr (B::a_by_depth) {
      const int k = first + ByDepth::along(thread);
      const Tap tap = g_.taps.at(k);
      if (k - tap.channel != first_) {  // another tap
        first_ = k - tap.channel;
#pragma unroll
        for (int i = 0; i < reads; ++i) pixel_[i] = place_[i].picture_row < 0 ? -1 : g_.pixel(place_[i], tap);
      }
#pragma unroll
      for (int i = 0; i < reads; ++i) {
        read4_if(k < end && pixel_[i] >= 0, data_ + g_.element(pixel_[i], tap), v[i]);
      }
    } else {
#pragma unroll
      for (int i = 0; i < reads; ++i) {
        const int k = first + ByPlace::across(thread, i);
        const int32_t pixel = g_.pixel(g_.place(k), tap_);
        read4_if(k < end && first_ < g_.depth && pixel >= 0, data_ + g_.element(pixel, tap_), v[i]);
      }
    }
  }

 private:
  __device__ void read_singly(int first, int end, T (&v)[reads][4]) const {
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int along = B::a_by_depth ? first + ByDepth::along(thread) + e : first_ + e;
      const Tap tap = g_.taps.at(along);
#pragma unroll
      for (int i = 0; i < reads; ++i) {
        const int k = B::a_by_depth ? along : first + ByPlace::across(thread, i);
        const Gathered::Place place = B::a_by_depth ? place_[B::a_by_depth ? i : 0] : g_.place(k);
        const bool wanted = k < end && (B::a_by_depth ? place.picture_row >= 0 : along < g_.depth);
        const int32_t pixel = g_.pixel(place, tap);
        v[i][e] = wanted && pixel >= 0 ? __ldg(data_ + g_.element(pixel, tap)) : T(0);
      }
    }
  }

  const Gathered& g_;
  const T* data_;
  bool vectors_;
  Gathered::Place place_[B::a_by_depth ? reads : 1];
  int32_t pixel_[B::a_by_depth ? reads : 1];  // that the tap at hand reads
  int first_ = -1;                            // by depth: that tap's first depth index; else the first row
  Tap tap_{};                                 // of the first row
};

/// The right operand's.
template <class T, class B>
class RightReads {
  using ByDepth = Place<B::depth, B::threads>;
  using ByColumn = Place<B::columns, B::threads>;

 public:
  static constexpr int reads = B::columns * B::depth / 4 / B::threads;

  __device__ RightReads(const Part& part, const T* data, bool vectors, int first_column, int columns)
      : w_(part.b), data_(data), vectors_(vectors), first_column_(first_column), columns_(columns) {}

  __device__ void read(int first, int end, T (&v)[reads][4]) const {
    const int thread = static_cast<int>(threadIdx.x);
    const int along = first + ByDepth::along(thread);
    const Tap tap = B::b_by_depth ? w_.taps.at(along) : Tap{};
#pragma unroll
    for (int i = 0; i < reads; ++i) {
      const int k = B::b_by_depth ? along : first + ByColumn::across(thread, i);
      const int column = first_column_ + (B::b_by_depth ? ByDepth::across(thread, i) : ByColumn::along(thread));
      if (vectors_) {
        const int64_t element = B::b_by_depth ? w_.by_depth(tap, column) : w_.by_column(k, column);
        read4_if(k < end && column < columns_, data_ + element, v[i]);
      } else {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int ke = B::b_by_depth ? k + e : k, ce = B::b_by_depth ? column : column + e;
          const int64_t element = B::b_by_depth ? w_.by_depth(w_.taps.at(ke), ce) : w_.by_column(ke, ce);
          v[i][e] = ke < end && ce < columns_ ? __ldg(data_ + element) : T(0);
        }
      }
    }
  }

 private:
  const Weights& w_;
  const T* data_;
  bool vectors_;
  int first_column_, columns_;
};

}  // namespace lacuna::kernels::gemm
