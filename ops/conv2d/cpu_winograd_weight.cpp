#include <algorithm>
#include <utility>
#include <vector>

#include "ops/conv2d/winograd.h"
#include "ops/conv2d/winograd_geometry.h"
#include "ops/matmul/tile.h"

namespace lacuna::kernels::winograd {
namespace {

/// The ranges of depth (input phases and channels) in which the kernel has anything at that point.
std::vector<std::pair<int64_t, int64_t>> live_depths(const Geometry& g, int64_t channels, int point) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (int64_t phase = 0; phase < g.input_phases(); ++phase) {
    if (!g.live(0, phase, point)) continue;
    if (ranges.empty() || ranges.back().second != phase * channels) ranges.emplace_back(phase * channels, 0);
    ranges.back().second = (phase + 1) * channels;
  }
  return ranges;
}

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

  // So many tiles at a time that their transforms stay in the second-level cache, or nearly; but where the sums are too
  // large even for the third, enough to read and write those seldom.
  constexpr int64_t few = 2 << 20, many = 32 << 20, large_sums = 8 << 20;
  const int64_t row = tile_step(g.input_phases(), ci, transforms<T>().lanes);
  const int64_t tile_bytes = points * (row + width) * static_cast<int64_t>(sizeof(T));
  const int64_t sum_bytes = points * depth * width * static_cast<int64_t>(sizeof(T));
  const int64_t fitting = (sum_bytes > large_sums ? many : few) / tile_bytes;
  const int64_t chunk = std::min(g.tiles(), std::max<int64_t>(fitting, 32));
  const int64_t v_stride = chunk * row + tile.rows + transforms<T>().lanes;
  const int64_t z_stride = panels * chunk * tile.columns + transforms<T>().lanes;
  Tensor v_values({points * v_stride}, dtype_of<T>()), z_values({points * z_stride}, dtype_of<T>());
  const int64_t sum_stride = depth * width + transforms<T>().lanes;
  Tensor sums({points * sum_stride}, dtype_of<T>());
  T *v = v_values.data<T>(), *z = z_values.data<T>(), *du = sums.data<T>();
  const TileLevel<T>& level = tile_level<T>();
  const int64_t vectors = tile.columns / level.lanes, most_rows = level.outer_rows(vectors);
  std::vector<int32_t> v_offsets, z_offsets;
  for (int64_t t = 0; t < chunk; ++t) {
    v_offsets.push_back(static_cast<int32_t>(t * row));
    z_offsets.push_back(static_cast<int32_t>(t * tile.columns));
  }
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
      if (first == 0) std::fill_n(du + p * sum_stride, depth * width, T{0});
      for (const auto& [begin, end] : live_depths(g, ci, static_cast<int>(p))) {
        const int64_t groups = (end - begin + most_rows - 1) / most_rows;
        for (int64_t group = 0; group < groups; ++group) {
          const int64_t i0 = begin + (end - begin) * group / groups, i1 = begin + (end - begin) * (group + 1) / groups;
          for (int64_t panel = 0; panel < panels; ++panel) {
            level.outer[vectors][i1 - i0](count, v + p * v_stride + i0, v_offsets.data(),
                                          z + p * z_stride + panel * chunk * tile.columns, z_offsets.data(),
                                          du + p * sum_stride + i0 * width + panel * tile.columns, width);
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
      transforms<T>().kernel_adjoint(du + k * width, sum_stride, n, rows);
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
