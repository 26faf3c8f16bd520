#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "tensor/shape.h"
#include "tensor/stream.h"

namespace lacuna::kernels {

/// How N operands are read when each is stretched to one output shape. Neighbouring axes are merged wherever every
/// operand either moves along both or stays on both: equal shapes and scalars leave a single axis, a bias (C) over
/// (N,H,W,C) two.
template <size_t N>
class Stretch {
 public:
  /// The operands must broadcast to `output`.
  Stretch(const Shape& output, const std::array<Shape, N>& operands);

  /// Merged axes, outermost first; at least one.
  int rank() const { return rank_; }
  int64_t extent(int axis) const { return extents_[axis]; }
  /// Elements that operand k advances for a step along `axis`; 0 where it is stretched. Along the last axis 0 or 1.
  int64_t stride(size_t k, int axis) const { return strides_[k][axis]; }

  /// Calls f(begin, length, offsets) for runs along the last axis that together cover the output once: the run's output
  /// elements start at `begin`, operand k's at offsets[k]. Runs are distributed over the stream's threads.
  template <class F>
  void for_each_run(const CpuStream& stream, F f) const {
    walk(stream, rank_, 1, f);
  }

  /// The same for several runs at once, where the last axis is short: calls f(begin, rows, offsets), each row being
  /// the whole of the last axis and its neighbour a step along the axis before. There are at least two axes.
  template <class F>
  void for_each_rows(const CpuStream& stream, F f) const {
    walk(stream, rank_ - 1, extents_[rank_ - 1], f);
  }

 private:
  /// Runs along the last of the first `axes` axes, whose elements are `unit` output elements each.
  template <class F>
  void walk(const CpuStream& stream, int axes, int64_t unit, F f) const;

  int rank_ = 0;
  std::array<int64_t, Shape::max_rank> extents_{};
  std::array<std::array<int64_t, Shape::max_rank>, N> strides_{};
};

template <size_t N>
Stretch<N>::Stretch(const Shape& output, const std::array<Shape, N>& operands) {
  std::array<std::array<bool, Shape::max_rank>, N> moves{};
  for (int axis = 0; axis < output.rank(); ++axis) {
    if (output[axis] == 1) continue;
    bool merges = rank_ > 0;
    std::array<bool, N> moving{};
    for (size_t k = 0; k < N; ++k) {
      const int own = axis - output.rank() + operands[k].rank();
      moving[k] = own >= 0 && operands[k][own] != 1;
      merges = merges && moving[k] == moves[k][rank_ - 1];
    }
    if (merges) {
      extents_[rank_ - 1] *= output[axis];
    } else {
      for (size_t k = 0; k < N; ++k) moves[k][rank_] = moving[k];
      extents_[rank_++] = output[axis];
    }
  }
  if (rank_ == 0) {
    for (size_t k = 0; k < N; ++k) moves[k][0] = true;
    extents_[rank_++] = 1;
  }
  for (size_t k = 0; k < N; ++k) {
    int64_t step = 1;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      strides_[k][axis] = moves[k][axis] ? step : 0;
      if (moves[k][axis]) step *= extents_[axis];
    }
  }
}

template <size_t N>
template <class F>
void Stretch<N>::walk(const CpuStream& stream, int axes, int64_t unit, F f) const {
  int64_t total = 1;
  for (int axis = 0; axis < axes; ++axis) total *= extents_[axis];
  const int last = axes - 1;
  parallel_for(stream, total, std::max<int64_t>(1, (1 << 14) / unit), [&](int64_t begin, int64_t end) {
    std::array<int64_t, Shape::max_rank> index{};
    std::array<int64_t, N> offsets{};
    int64_t rest = begin;
    for (int axis = last; axis >= 0; --axis) {
      index[axis] = rest % extents_[axis];
      rest /= extents_[axis];
      for (size_t k = 0; k < N; ++k) offsets[k] += index[axis] * strides_[k][axis];
    }
    while (begin < end) {
      const int64_t length = std::min(end - begin, extents_[last] - index[last]);
      f(begin * unit, length, offsets);
      begin += length;
      // On to the start of the next run: the odometer's last wheel has come round, carry into the others.
      for (size_t k = 0; k < N; ++k) offsets[k] -= index[last] * strides_[k][last];
      index[last] = 0;
      for (int axis = last - 1; axis >= 0; --axis) {
        for (size_t k = 0; k < N; ++k) offsets[k] += strides_[k][axis];
        if (++index[axis] < extents_[axis]) break;
        for (size_t k = 0; k < N; ++k) offsets[k] -= extents_[axis] * strides_[k][axis];
        index[axis] = 0;
      }
    }
  });
}

}  // namespace lacuna::kernels
