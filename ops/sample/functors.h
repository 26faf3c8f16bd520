#pragma once

#include <cmath>
#include <cstdint>

#include "ops/sample/sample.h"
#include "tensor/functor.h"
#include "tensor/index_divider.h"

namespace lacuna::functors {

/// y[k] = row indices[k] of x, one element a call; 0 where there is no such row, which check_indices reports.
template <class T>
struct Gather {
  const T* x;
  const int32_t* indices;
  int64_t rows, row;  // row: elements of one
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t k = divide(i, row), index = indices[k];
    y[i] = index >= 0 && index < rows ? x[index * row + i - k * row] : T(0);
  }
};

/// Adds g to the rows named by `indices`, for `width` columns a call and in the order of the indices: columns share
/// nothing, so the sums do not depend on who runs them.
template <class T>
struct ScatterAdd {
  const T* g;
  const int32_t* indices;
  int64_t count, row, width;
  T* y;

  LACUNA_HD void operator()(int64_t block) const {
    const int64_t begin = block * width, end = begin + width < row ? begin + width : row;
    for (int64_t k = 0; k < count; ++k) {
      const T* from = g + k * row;
      T* to = y + indices[k] * row;
      for (int64_t c = begin; c < end; ++c) to[c] += from[c];
    }
  }
};

/// The pixels first + t, t in [begin, end), that a position on an axis reads, and the weights they are read with.
template <class T>
struct SampleTaps {
  int64_t first, begin, end;
  T weight[2];
};

/// The taps of k(t) = max(0, 1 - |t|) or, with derivative = 1, of k'; at a kink k' is the derivative from the right. A
/// NaN position gives NaN weights.
template <class T>
LACUNA_HD SampleTaps<T> sample_taps(T position, int64_t n, int derivative) {
  if (n == 0 || position < -1 || position >= static_cast<T>(n)) return {0, 0, 0, {0, 0}};
  const T below = position != position ? T(0) : std::floor(position);
  const T fraction = position - below;
  const int64_t first = static_cast<int64_t>(below);
  SampleTaps<T> taps{first, first < 0 ? 1 : 0, first + 1 < n ? 2 : 1, {1 - fraction, fraction}};
  if (derivative == 1) {
    taps.weight[0] = -1;
    taps.weight[1] = 1;
  }
  return taps;
}

struct SampleShape {
  int64_t height, width, channels;  // of the picture
  int64_t positions;                // of a picture's grid
};

/// One element of the sampled picture a call.
template <class T>
struct GridSample {
  const T *x, *grid;
  SampleShape shape;
  SampleDerivative order;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t position = divide(i, shape.channels), channel = i - position * shape.channels;
    const int64_t first_row = divide(position, shape.positions) * shape.height;
    const SampleTaps<T> rows = sample_taps(grid[2 * position], shape.height, order.row);
    const SampleTaps<T> cols = sample_taps(grid[2 * position + 1], shape.width, order.col);
    T sum = 0;
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      for (int64_t c = cols.begin; c < cols.end; ++c) {
        const int64_t pixel = (first_row + rows.first + r) * shape.width + cols.first + c;
        sum += rows.weight[r] * cols.weight[c] * x[pixel * shape.channels + channel];
      }
    }
    y[i] = sum;
  }
};

/// Spreads g over one picture, for a block of at most `block` channels a call and in the order of the grid.
template <class T>
struct GridSampleAdjoint {
  const T *g, *grid;
  SampleShape shape;
  SampleDerivative order;
  int64_t block, blocks;  // channels of a block, blocks of a picture
  T* x;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t picture = i / blocks, begin = i % blocks * block;
    const int64_t end = begin + block < shape.channels ? begin + block : shape.channels;
    for (int64_t p = picture * shape.positions; p < (picture + 1) * shape.positions; ++p) {
      const SampleTaps<T> rows = sample_taps(grid[2 * p], shape.height, order.row);
      const SampleTaps<T> cols = sample_taps(grid[2 * p + 1], shape.width, order.col);
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        for (int64_t c = cols.begin; c < cols.end; ++c) {
          const int64_t pixel = (picture * shape.height + rows.first + r) * shape.width + cols.first + c;
          const T weight = rows.weight[r] * cols.weight[c];
          for (int64_t k = begin; k < end; ++k) x[pixel * shape.channels + k] += weight * g[p * shape.channels + k];
        }
      }
    }
  }
};

}  // namespace lacuna::functors
