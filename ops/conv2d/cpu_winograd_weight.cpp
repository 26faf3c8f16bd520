#include <algorithm>
#include <vector>

#include "ops/conv2d/winograd.h"
#include "ops/conv2d/winograd_geometry.h"
#include "ops/matmul/tile.h"

namespace lacuna::kernels::winograd {
namespace {

/// dw = the weight gradient as the geometry has it, for a single output phase.
template <class T>
void weight_gradient(const CpuStream& stream, const Geometry& g, const Tensor& x_values, const Tensor& g_values,
                     Tensor& dw) {
  const Picture<const T> x = picture_of<T>(x_values), cotangent = picture_of<T>(g_values);
  const int64_t n = cotangent.channels, ci = x.channels;
  const int64_t depth = g.rows.input_phases * g.columns.input_phases * ci;
  const TileKernels<T>& tile = tile_kernels<T>(n);
  const int64_t panels = (n + tile.columns - 1) / tile.columns, width = panels * tile.columns;
  const std::vector<T> zeros(static_cast<size_t>(std::max(ci, n) + transforms<T>().lanes), T{0});

  // So many tiles at a time that their transforms stay in the last-level cache.
  constexpr int64_t cache = 8 << 20;
  const int64_t fitting = cache / (points * (depth + width) * static_cast<int64_t>(sizeof(T)));
  const int64_t chunk = std::min(g.tiles(), std::max<int64_t>(fitting, 32));
  // A tile's row has room for the last vector: two threads work on tiles beside each other.
  const int64_t row = depth - ci + up_to_multiple(ci, transforms<T>().lanes);
  const int64_t v_stride = chunk * row + tile.rows + transforms<T>().lanes;
  const int64_t z_stride = panels * chunk * tile.columns;
  Tensor v_values({points * v_stride}, dtype_of<T>()), z_values({points * z_stride}, dtype_of<T>());
  Tensor sums = Tensor::zeros({points, depth, width}, dtype_of<T>());
  T *v = v_values.data<T>(), *z = z_values.data<T>(), *du = sums.data<T>();
  for (int64_t first = 0; first < g.tiles(); first += chunk) {
    const int64_t count = std::min(chunk, g.tiles() - first);
    parallel_for(stream, count, 8, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const Place at(g, first + t);
        transform_input(g, at, x, zeros.data(), v + t * row, v_stride);
        const auto pixels = outputs_of(g, at, 0, 0, cotangent, zeros.data());
        for (int64_t panel = 0; panel < panels; ++panel) {
          const int64_t c = panel * tile.columns;
          auto part = pixels;
          for (const T*& pixel : part) pixel = pixel == zeros.data() ? pixel : pixel + c;
          transforms<T>().output_adjoint(part.data(), std::min(tile.columns, n - c),
                                         z + (panel * chunk + t) * tile.columns, z_stride);
        }
      }
    });
    parallel_for(stream, points, 1, [&](int64_t p, int64_t) {
      alignas(64) T product[max_tile];
      std::vector<const T*> left(static_cast<size_t>(count));
      for (int64_t i0 = 0; i0 < depth; i0 += tile.rows) {
        for (int64_t t = 0; t < count; ++t) left[t] = v + p * v_stride + t * row + i0;
        for (int64_t panel = 0; panel < panels; ++panel) {
          tile.by_columns(count, left.data(), z + p * z_stride + panel * chunk * tile.columns, product);
          for (int64_t i = 0; i < std::min(tile.rows, depth - i0); ++i) {
            T* sums_row = du + (p * depth + i0 + i) * width + panel * tile.columns;
            for (int64_t j = 0; j < tile.columns; ++j) sums_row[j] += product[i * tile.columns + j];
          }
        }
      }
    });
  }

  Tensor folded({3, 3, depth, n}, dtype_of<T>());
  T* places = folded.data<T>();
  parallel_for(stream, depth, 8, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      T* rows[taps];
      for (int t = 0; t < taps; ++t) rows[t] = places + (t * depth + k) * n;
      transforms<T>().kernel_adjoint(du + k * width, depth * width, n, rows);
    }
  });
  T* out = dw.data<T>();
  for_each_tap(g, [&](int64_t place, int64_t in_phase, int64_t, int64_t tap) {
    std::copy_n(places + (place * depth + in_phase * ci) * n, ci * n, out + tap * ci * n);
  });
}

}  // namespace

void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  const Geometry geometry = forward_geometry(x, dw.dim(0), dw.dim(1), options);
  visit_float(x.dtype(), "conv2d_weight", [&]<class T>(T) { weight_gradient<T>(stream, geometry, x, g, dw); });
}

}  // namespace lacuna::kernels::winograd
