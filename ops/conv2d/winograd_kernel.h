#pragma once

#include <array>
#include <vector>

#include "ops/conv2d/winograd_geometry.h"
#include "tensor/stream.h"

namespace lacuna::kernels::winograd {

/// A kernel, transformed, in panels of so many columns as a tile of the product has. Its depth runs over the input's
/// phases and channels, its columns over the output's phases and channels, each phase's padded to `channels`. Where the
/// transform has nothing at a point, for want of taps, nothing is held nor multiplied.
template <class T>
struct TransformedKernel {
  /// A panel at a point: (phases.size() * input channels) x tile_columns elements, of those input phases that have any.
  struct Block {
    int64_t offset = 0;
    int count = 0;
    std::array<int8_t, 4> phases{};
  };

  int64_t input_channels, channels, columns, tile_columns, panels;
  std::vector<Block> blocks;  ///< [panel][point]
  Tensor values;

  const Block& block(int64_t panel, int point) const { return blocks[static_cast<size_t>(panel * points + point)]; }
};

/// That of w (kh,kw,Ci,Co) for a geometry. Defined for float and double.
template <class T>
TransformedKernel<T> transformed_kernel(const CpuStream& stream, const Geometry& g, const Tensor& w);

}  // namespace lacuna::kernels::winograd
