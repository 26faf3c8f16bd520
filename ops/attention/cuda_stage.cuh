#pragma once

#include <cmath>

#include "ops/attention/cuda_rows.cuh"
#include "ops/matmul/kernels.h"
#include "tensor/memory.h"

/// What the forward and the backward pass of attention on a CUDA device have in common.
namespace lacuna::kernels::attention {

namespace functors {

/// Sum of e over the patch around a position of the grid; i counts positions over all samples.
template <class T>
LACUNA_HD T patch_energy(const CudaGrid& g, const T* e, int64_t i) {
  const int64_t l = g.positions();
  const int q = static_cast<int>(i % l), qy = q / g.w, qx = q % g.w;
  T sum = 0;
  for (int dy = -g.patch; dy <= g.patch; ++dy) {
    for (int dx = -g.patch; dx <= g.patch; ++dx) {
      if (inside(g, {qy + dy, qx + dx})) sum += e[i + dy * g.w + dx];
    }
  }
  return sum;
}

/// 1 / max(length of the patch, the least that counts).
template <class T>
struct InverseNorm {
  CudaGrid g;
  const T* energy;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const T length = sqrt(patch_energy(g, energy, i));
    y[i] = 1 / (length < T(least_patch_length) ? T(least_patch_length) : length);
  }
};

/// Rows of a window out of (samples,h,w,C), as (samples,rows,w,C).
template <class T>
struct TakeRows {
  CudaGrid g;
  Window window;
  const T* x;
  T* y;

  LACUNA_HD void operator()(int64_t i) const { y[i] = x[element_of(g, window, i)]; }
};

/// The values of pictures around the corners of rows [first_row, ...), times a factor; zeros beyond the pictures.
template <class T>
struct TakeCorners {
  CudaGrid g;
  int first_row;
  int64_t rows;  // of corners, of each sample
  const T* x;
  T factor;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t channel = i % g.picture_channels, pixel = i / g.picture_channels % (g.rate * g.rate);
    const int64_t corner = i / g.block(), wide = g.w + 1, row = corner / wide, sample = row / rows;
    const int64_t py = (first_row + row % rows) * g.rate - g.rate / 2 + pixel / g.rate;
    const int64_t px = corner % wide * g.rate - g.rate / 2 + pixel % g.rate;
    const int64_t height = int64_t{g.h} * g.rate, width = int64_t{g.w} * g.rate;
    const bool there = py >= 0 && py < height && px >= 0 && px < width;
    y[i] = there ? factor * x[((sample * height + py) * width + px) * g.picture_channels + channel] : T(0);
  }
};

/// The other way: i counts the values of the pixel rows from first_pixel_row on, of which there are `pixel_rows` a
/// sample; their corners' rows begin with first_row.
template <class T>
struct PutCorners {
  CudaGrid g;
  int first_row;
  int64_t rows, first_pixel_row, pixel_rows;
  const T* x;
  T* y;

  LACUNA_HD void operator()(int64_t i) const {
    const int64_t width = int64_t{g.w} * g.rate, height = int64_t{g.h} * g.rate;
    const int64_t channel = i % g.picture_channels, px = i / g.picture_channels % width;
    const int64_t line = i / g.picture_channels / width, sample = line / pixel_rows;
    const int64_t py = first_pixel_row + line % pixel_rows;
    const int64_t cy = (py + g.rate / 2) / g.rate, cx = (px + g.rate / 2) / g.rate;
    const int64_t in_block = (py + g.rate / 2) % g.rate * g.rate + (px + g.rate / 2) % g.rate;
    const int64_t corner = (sample * rows + cy - first_row) * (g.w + 1) + cx;
    y[((sample * height + py) * width + px) * g.picture_channels + channel] =
        x[corner * g.block() + in_block * g.picture_channels + channel];
  }
};

}  // namespace functors

inline Grid rows_grid(int64_t rows, int64_t samples) {
  return {dim3(static_cast<unsigned>(rows), static_cast<unsigned>(samples)), dim3(row_threads)};
}

/// Samples [first, first + count) of a tensor whose first axis counts them.
inline Tensor samples_of(const Tensor& x, int64_t first, int64_t count) {
  if (count == x.dim(0)) return x;
  std::vector<int64_t> extents(x.shape().begin(), x.shape().end());
  extents[0] = count;
  Tensor y(Shape(extents), x.dtype(), x.device());
  const int64_t bytes = y.nbytes() / count;
  copy_memory(y.raw(), y.device(), static_cast<const char*>(x.raw()) + first * bytes, x.device(), y.nbytes());
  return y;
}

/// The operands of some samples, and what every row of their matrices needs.
template <class T>
struct CudaSamples {
  CudaSamples(const CudaStream& stream_, const CudaGrid& g_, const AttentionOperands& all, int64_t first, int64_t n,
              T scale_)
      : stream(stream_),
        g(g_),
        count(n),
        scale(scale_),
        f(samples_of(all.f, first, n)),
        b(samples_of(all.b, first, n)) {
    const Device device = all.f.device();
    const DType dtype = dtype_of<T>();
    const int64_t l = g.positions();
    available = all.available.dim(0) == 1 ? all.available : samples_of(all.available, first, n);
    energy = Tensor({n, l}, dtype, device);
    launch(stream, {static_cast<unsigned>((n * l + row_threads / 32 - 1) / (row_threads / 32)), row_threads},
           energies<T>, n * l, g.channels, b.data<T>(), energy.data<T>());
    inverse_norms = Tensor({n, l}, dtype, device);
    for_each(stream, n * l, functors::InverseNorm<T>{g, energy.data<T>(), inverse_norms.data<T>()});
    const Tensor picture = samples_of(all.picture, first, n);
    pixels = corners_of(picture, 0, g.h + 1, T(0.25));
  }

  Tensor empty(int64_t rows, int64_t columns) const { return Tensor({count, rows, columns}, f.dtype(), f.device()); }

  /// (count, rows * (w + 1), block)
  Tensor corners_of(const Tensor& picture, int first_row, int rows, T factor) const {
    Tensor y = empty(int64_t{rows} * (g.w + 1), g.block());
    for_each(stream, y.numel(), functors::TakeCorners<T>{g, first_row, rows, picture.data<T>(), factor, y.data<T>()});
    return y;
  }

  /// The features f of a window's rows, (count, rows * w, C).
  Tensor features(const Window& window) const {
    if (window.rows == g.h) return f.reshaped({count, g.positions(), g.channels});
    Tensor y = empty(int64_t{window.rows} * g.w, g.channels);
    for_each(stream, y.numel(), functors::TakeRows<T>{g, window, f.data<T>(), y.data<T>()});
    return y;
  }

  Tensor background() const { return b.reshaped({count, g.positions(), g.channels}); }

  /// The scores of a window's rows before propagation.
  Tensor scores(const Window& window, const Window& products_window) const {
    Tensor products = empty(int64_t{products_window.rows} * g.w, g.positions());
    kernels::matmul(stream, features(products_window), background(), {.transpose_b = true}, products);
    Tensor y = empty(int64_t{window.rows} * g.w, g.positions());
    launch(stream, rows_grid(int64_t{window.rows} * g.w, count), patch_sums<T>, g, products_window, window,
           products.data<T>(), inverse_norms.data<T>(), y.data<T>());
    return y;
  }

  /// The weights of rows [begin, end) from the scores of `window`.
  Tensor weights(const Tensor& scores, const Window& window, int begin, int end, int32_t* offsets) const {
    const Window rows = window_around(g, begin, end, 0);
    Tensor y = empty(int64_t{rows.rows} * g.w, g.positions());
    launch(stream, rows_grid(int64_t{rows.rows} * g.w, count), weigh<T>, g, window, rows, scores.data<T>(),
           available.data<T>(), available.dim(0) == 1 ? int64_t{0} : int64_t{g.positions()}, scale, y.data<T>(),
           offsets);
    return y;
  }

  /// The corner sums of weights in corner rows [first, first + rows).
  Tensor corner_weights(const Tensor& weights, const Window& window, int first, int rows) const {
    Tensor y = empty(int64_t{rows} * (g.w + 1), g.corners());
    launch(stream, rows_grid(int64_t{rows} * (g.w + 1), count), corner_sums<T>, g, window, first, weights.data<T>(),
           y.data<T>());
    return y;
  }

  CudaStream stream;
  CudaGrid g;
  int64_t count;
  T scale;
  Tensor f, b, available, energy, inverse_norms;
  Tensor pixels;  ///< around all corners, over 4: (count, corners, block)
};

}  // namespace lacuna::kernels::attention
