#pragma once

#include "ops/broadcast/stretch.h"
#include "tensor/cuda_map.cuh"
#include "tensor/index_divider.h"

/// Kernels on operands that are stretched to one shape.
namespace lacuna::kernels {

/// A Stretch as device code reads it, in packs of `size` elements along the last axis.
template <size_t N>
class StretchIndex {
 public:
  StretchIndex(const Stretch<N>& stretch, int size) : last_(stretch.rank() - 1) {
    for (int axis = 0; axis <= last_; ++axis) {
      extents_[axis] = IndexDivider(axis == last_ ? stretch.extent(axis) / size : stretch.extent(axis));
      count_ *= extents_[axis].divisor();
      for (size_t k = 0; k < N; ++k) strides_[k][axis] = stretch.stride(k, axis) * (axis == last_ ? size : 1);
    }
  }

  /// Packs of the output.
  LACUNA_HD int64_t count() const { return count_; }
  /// Whether operand k moves along the last axis.
  LACUNA_HD bool moves(size_t k) const { return strides_[k][last_] != 0; }
  /// Where the operands are read for pack i of the output.
  LACUNA_HD void locate(int64_t i, int64_t (&offsets)[N]) const {
    for (size_t k = 0; k < N; ++k) offsets[k] = 0;
    for (int axis = last_; axis >= 0; --axis) {
      const int64_t index = axis == 0 ? i : extents_[axis].split(i);
      for (size_t k = 0; k < N; ++k) offsets[k] += index * strides_[k][axis];
    }
  }

 private:
  int last_;
  int64_t count_ = 1;
  IndexDivider extents_[Shape::max_rank];
  int64_t strides_[N][Shape::max_rank]{};
};

template <class T, size_t N>
struct Operands {
  const T* x[N];
};

template <int size, size_t N, class F, class T>
__global__ void stretched_kernel(const StretchIndex<N> index, const F f, const Operands<T, N> operands, T* y) {
  for (int64_t i = first_item(); i < index.count(); i += item_step()) {
    int64_t offsets[N];
    index.locate(i, offsets);
    Pack<T, size> packs[N];
    for (size_t k = 0; k < N; ++k) {
      if (index.moves(k)) {
        packs[k] = load_pack<size>(operands.x[k] + offsets[k]);
      } else {
        const T value = operands.x[k][offsets[k]];
        for (int e = 0; e < size; ++e) packs[k].v[e] = value;
      }
    }
    if constexpr (N == 2) {
      for (int e = 0; e < size; ++e) packs[0].v[e] = f(packs[0].v[e], packs[1].v[e]);
    }
    store_pack(y + i * size, packs[0]);
  }
}

/// y = f(a, b), or for one operand that operand itself.
template <class T, size_t N, class F>
void map_stretched(const CudaStream& stream, const Stretch<N>& stretch, F f, const Operands<T, N>& operands, T* y) {
  constexpr int size = pack_size<T>;
  const bool packs = fits_packs<T>(stretch.extent(stretch.rank() - 1));
  const StretchIndex<N> index(stretch, packs ? size : 1);
  if (index.count() == 0) return;
  const auto kernel = packs ? stretched_kernel<size, N, F, T> : stretched_kernel<1, N, F, T>;
  launch(stream, grid_over(index.count()), kernel, index, f, operands, y);
}

}  // namespace lacuna::kernels
