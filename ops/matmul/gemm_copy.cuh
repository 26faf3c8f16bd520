#pragma once

#include "ops/matmul/copy_async.cuh"
#include "ops/matmul/gemm_pack.h"
#include "ops/matmul/gemm_work.cuh"

/// How a block's threads copy the tiles of packed operands to shared memory, a piece each time.
namespace lacuna::kernels::gemm {

/// A tile of bf16 elements in shared memory: panels of lines of 64 or 32 elements, in which the pieces of a line are
/// swapped with each other, so that the same pieces of eight neighbouring lines lie in different banks. At a multiple
/// of 1024 bytes this is what the PTX ISA calls 128-byte or 64-byte swizzling.
template <int lines_, int line_>
struct SharedTile {
  static constexpr int lines = lines_, line = line_, bytes = 2 * lines * line;
  static constexpr int width = line < 64 ? line : 64, line_bytes = 2 * width, panel_bytes = lines * line_bytes;
  static_assert((width == 64 || width == 32) && line % width == 0 && bytes % 1024 == 0);

  /// Of a piece, in bytes; `element`: its first.
  LACUNA_HD static int offset(int l, int element) {
    const int in_line = element % width / piece;
    return element / width * panel_bytes + l * line_bytes + (in_line ^ (width == 64 ? l % 8 : l / 2 % 4)) * 16;
  }
};

/// The tiles of a block; the first term's, and behind it the second's if there are two.
template <class B, int terms_>
struct Stage {
  using A = std::conditional_t<B::a_by_depth, SharedTile<B::rows, B::depth>, SharedTile<B::depth, B::rows>>;
  using W = std::conditional_t<B::b_by_depth, SharedTile<B::columns, B::depth>, SharedTile<B::depth, B::columns>>;
  static constexpr int terms = terms_, b_begin = terms * A::bytes, bytes = b_begin + terms * W::bytes;
};

/// Which pieces of a tile a thread copies: the piece from element `along` of lines `across` + i * step.
template <class Tile, int threads>
struct Share {
  static constexpr int per_line = Tile::line / piece, step = threads / per_line, copies = Tile::lines / step;
  static_assert(threads % per_line == 0 && Tile::lines % step == 0 && step % 8 == 0);  // 8: all have the first's order
  static constexpr int step_bytes = step * Tile::line_bytes;

  __device__ static int along(int thread) { return thread % per_line * piece; }
  __device__ static int across(int thread) { return thread / per_line; }
  __device__ static int offset(int thread) { return Tile::offset(across(thread), along(thread)); }
};

/// The left operand's copies of this thread.
template <class B, int terms>
class LeftCopies {
  using Tile = typename Stage<B, terms>::A;
  using Own = Share<Tile, B::threads>;

 public:
  __device__ LeftCopies(const Part& part, const bf16* data, int64_t term, int first_row)
      : g_(part.a), data_(data), term_(term) {
    const int thread = static_cast<int>(threadIdx.x);
    if constexpr (B::a_by_depth) {
#pragma unroll
      for (int i = 0; i < Own::copies; ++i) {
        const int row = first_row + Own::across(thread) + i * Own::step;
        place_[i] = row < part.rows ? g_.place(row) : Gathered::Place{-1, 0, 0};
      }
    } else {
      first_ = first_row + Own::along(thread);
      tap_ = g_.taps.at(first_);
    }
  }

  /// Depth [first, end) or less; zeros beyond.
  __device__ void start(int first, int end, unsigned char* tile) {
    const int thread = static_cast<int>(threadIdx.x);
    tile += Own::offset(thread);
    if constexpr (B::a_by_depth) {
      const int k = first + Own::along(thread);
      const Tap tap = g_.taps.at(k);
      if (k - tap.channel != first_) {  // another tap
        first_ = k - tap.channel;
#pragma unroll
        for (int i = 0; i < Own::copies; ++i) pixel_[i] = place_[i].picture_row < 0 ? -1 : g_.pixel(place_[i], tap);
      }
#pragma unroll
      for (int i = 0; i < Own::copies; ++i) copy(k < end, pixel_[i], tap, tile + i * Own::step_bytes);
    } else {
#pragma unroll
      for (int i = 0; i < Own::copies; ++i) {
        const int k = first + Own::across(thread) + i * Own::step;
        copy(k < end && first_ < g_.depth, g_.pixel(g_.place(k), tap_), tap_, tile + i * Own::step_bytes);
      }
    }
  }

 private:
  __device__ void copy(bool wanted, int32_t pixel, const Tap& tap, unsigned char* to) const {
    const bool valid = wanted && pixel >= 0;
    const bf16* from = data_ + (valid ? g_.element(pixel, tap) : 0);
#pragma unroll
    for (int t = 0; t < terms; ++t) copy_async::start(to + t * Tile::bytes, from + t * term_, valid);
  }

  const Gathered& g_;
  const bf16* data_;
  int64_t term_;
  Gathered::Place place_[B::a_by_depth ? Own::copies : 1];
  int32_t pixel_[B::a_by_depth ? Own::copies : 1];  // that the tap at hand reads
  int first_ = -1;                                  // by depth: that tap's first depth index; else the first row
  Tap tap_{};                                       // of the first row
};

/// The right operand's.
template <class B, int terms>
class RightCopies {
  using Tile = typename Stage<B, terms>::W;
  using Own = Share<Tile, B::threads>;

 public:
  __device__ RightCopies(const Part& part, const bf16* data, int64_t term, int first_column, int columns)
      : w_(part.b), data_(data), term_(term), first_column_(first_column), columns_(columns) {}

  __device__ void start(int first, int end, unsigned char* tile) const {
    const int thread = static_cast<int>(threadIdx.x);
    const int along = Own::along(thread), across = Own::across(thread);
    tile += Own::offset(thread);
    const Tap tap = B::b_by_depth ? w_.taps.at(first + along) : Tap{};
#pragma unroll
    for (int i = 0; i < Own::copies; ++i) {
      const int line = across + i * Own::step;
      const int k = first + (B::b_by_depth ? along : line), column = first_column_ + (B::b_by_depth ? line : along);
      const bool valid = k < end && column < columns_;
      const int64_t element = B::b_by_depth ? w_.by_depth(tap, column) : w_.by_column(k, column);
      const bf16* from = data_ + (valid ? element : 0);
#pragma unroll
      for (int t = 0; t < terms; ++t) {
        copy_async::start(tile + i * Own::step_bytes + t * Tile::bytes, from + t * term_, valid);
      }
    }
  }

 private:
  const Weights& w_;
  const bf16* data_;
  int64_t term_;
  int first_column_, columns_;
};

/// A block's copies, several tiles of the depth ahead: stages(i) begins those of the i-th tile, one commit group each.
template <class B, int terms, int stages>
class CopiesAhead {
  using S = Stage<B, terms>;

 public:
  static constexpr int shared_bytes = stages * S::bytes;

  __device__ CopiesAhead(const Problem<float, bf16>& problem, const Work<float, bf16>& work, unsigned char* shared)
      : left_(work.part, work.a, problem.a_term, work.row),
        right_(work.part, work.b, problem.b_term, work.column, problem.b_by_depth ? problem.n : problem.b_lines.width),
        shared_(shared),
        begin_(work.begin),
        end_(work.end) {
    for (int i = 0; i < stages - 1; ++i) start(i);
  }

  __device__ int count() const { return end_ > begin_ ? (end_ - begin_ + B::depth - 1) / B::depth : 0; }
  __device__ unsigned char* stage(int i) const { return shared_ + i % stages * S::bytes; }

  /// Begins the copies of tile i, if there is one, to the stage that tile i - stages was in.
  __device__ void start(int i) {
    if (i < count()) {
      left_.start(begin_ + i * B::depth, end_, stage(i));
      right_.start(begin_ + i * B::depth, end_, stage(i) + S::b_begin);
    }
    copy_async::commit();
  }
  /// Until this thread's copies of the tile have arrived after which stages - 2 were begun.
  __device__ static void wait() { copy_async::wait<stages - 2>(); }
  __device__ static void wait_for_all() { copy_async::wait<0>(); }

 private:
  LeftCopies<B, terms> left_;
  RightCopies<B, terms> right_;
  unsigned char* shared_;
  int begin_, end_;
};

}  // namespace lacuna::kernels::gemm
