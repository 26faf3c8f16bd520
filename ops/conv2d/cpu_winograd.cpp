#include <algorithm>
#include <vector>

#include "ops/conv2d/winograd.h"
#include "ops/conv2d/winograd_geometry.h"
#include "ops/matmul/tile.h"
#include "tensor/cpu_level.h"

namespace lacuna::kernels::winograd {
namespace {

template <class T>
const Transforms<T>& of_level(const Transforms<T>& portable, const Transforms<T>& avx2, const Transforms<T>& avx512) {
  const CpuLevel level = cpu_level();
  return level >= CpuLevel::avx512 ? avx512 : level == CpuLevel::avx2 ? avx2 : portable;
}

/// A kernel in the form that the tiles see, (3,3,K,N): K runs over the input's phases and channels, N over the
/// output's, whose channels are padded to `channels` in each phase.
template <class T>
struct Kernel {
  Tensor values;
  int64_t depth, columns, channels;
};

/// w (kh,kw,Ci,Co) with its last two axes exchanged.
template <class T>
Tensor exchanged(const CpuStream& stream, const Tensor& w) {
  const int64_t ci = w.dim(2), co = w.dim(3);
  Tensor out({w.dim(0), w.dim(1), co, ci}, w.dtype());
  const T* from = w.data<T>();
  T* to = out.data<T>();
  constexpr int64_t block = 16;
  parallel_for(stream, w.dim(0) * w.dim(1) * ci, 256, [&](int64_t begin, int64_t end) {
    for (int64_t r0 = begin; r0 < end; r0 += block) {
      for (int64_t o0 = 0; o0 < co; o0 += block) {
        for (int64_t r = r0; r < std::min(end, r0 + block); ++r) {
          T* column = to + r / ci * ci * co + r % ci;
          for (int64_t o = o0; o < std::min(co, o0 + block); ++o) column[o * ci] = from[r * co + o];
        }
      }
    }
  });
  return out;
}

/// The kernel w (kh,kw,Ci,Co) for this geometry.
template <class T>
Kernel<T> kernel_for(const CpuStream& stream, const Geometry& g, const Tensor& w) {
  const int64_t ci = w.dim(2), co = w.dim(3);
  const int64_t in_phases = g.rows.input_phases * g.columns.input_phases;
  const int64_t out_phases = g.rows.output_phases * g.columns.output_phases;
  const int64_t channels = out_phases > 1 ? up_to_multiple(co, transforms<T>().lanes) : co;
  Kernel<T> kernel{Tensor(), in_phases * ci, out_phases * channels, channels};
  kernel.values = Tensor::zeros({3, 3, kernel.depth, kernel.columns}, w.dtype());
  T* values = kernel.values.template data<T>();
  const T* from = w.data<T>();
  parallel_for(stream, ci, 16, [&](int64_t begin, int64_t end) {
    for_each_tap(g, [&](int64_t place, int64_t in_phase, int64_t out_phase, int64_t tap) {
      for (int64_t c = begin; c < end; ++c) {
        T* to = values + (place * kernel.depth + in_phase * ci + c) * kernel.columns + out_phase * channels;
        const T* row = from + (tap * ci + c) * co;
        for (int64_t o = 0; o < co; ++o) to[o] += row[o];
      }
    });
  });
  return kernel;
}

/// The transformed kernel as panels: [panel][point][K][columns of a tile].
template <class T>
Tensor transform_kernel(const CpuStream& stream, const Kernel<T>& kernel, int64_t tile_columns) {
  const int64_t panels = (kernel.columns + tile_columns - 1) / tile_columns;
  Tensor panel_values({panels, points, kernel.depth, tile_columns}, dtype_of<T>());
  T* u = panel_values.data<T>();
  const T* w = kernel.values.template data<T>();
  parallel_for(stream, kernel.depth, 8, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t first = panel * tile_columns, count = std::min(tile_columns, kernel.columns - first);
        const T* rows[taps];
        for (int t = 0; t < taps; ++t) rows[t] = w + (t * kernel.depth + k) * kernel.columns + first;
        T* to = u + (panel * points * kernel.depth + k) * tile_columns;
        transforms<T>().kernel(rows, count, to, kernel.depth * tile_columns);
        if (count == tile_columns) continue;
        for (int p = 0; p < points; ++p) {
          T* row = to + p * kernel.depth * tile_columns;
          std::fill(row + count, row + tile_columns, T{0});
        }
      }
    }
  });
  return panel_values;
}

/// Of `tiles`, how many a task takes, in whole tiles of the product: as many as let their transforms stay in the
/// second-level cache, or where that is too few to read the transformed kernel for, a number whose transforms come from
/// the third; but few enough to keep all threads busy to the end.
int64_t tiles_per_task(const CpuStream& stream, int64_t tiles, int64_t depth, int64_t tile_rows, int64_t tile_columns,
                       int64_t element) {
  constexpr int64_t cache = 1280 << 10, most = 64, tasks_per_thread = 8;
  const int64_t fitting = cache / (points * (depth + tile_columns) * element);
  const int64_t wanted = fitting < 2 * tile_rows ? most : std::min(fitting, most);
  const int64_t fair = up_to_multiple(tiles / (tasks_per_thread * stream.threads) + 1, tile_rows);
  return std::min(wanted / tile_rows * tile_rows, fair);
}

/// y = activate(convolution of x + bias) as the geometry has it.
template <class T>
void convolve(const CpuStream& stream, const Geometry& g, const Tensor& x_values, const Kernel<T>& kernel,
              const Tensor& bias, const Activation& activation, Tensor& y_values) {
  const TileKernels<T>& tile = tile_kernels<T>(kernel.columns);
  const Tensor panel_values = transform_kernel(stream, kernel, tile.columns);
  const T* u = panel_values.data<T>();
  const Picture<const T> x = picture_of<T>(x_values);
  const Picture<T> y = picture_of<T>(y_values);
  const int64_t depth = kernel.depth, panels = (kernel.columns + tile.columns - 1) / tile.columns;
  const std::vector<T> zeros(static_cast<size_t>(x.channels + transforms<T>().lanes), T{0});
  const T* b = bias.defined() ? bias.data<T>() : nullptr;

  const int64_t task = tiles_per_task(stream, g.tiles(), depth, tile.rows, tile.columns, sizeof(T));
  parallel_for(stream, g.tiles(), task, [&](int64_t begin, int64_t end) {
    const int64_t groups = (end - begin + tile.rows - 1) / tile.rows;
    // The stride is no power of two: the 36 points of a channel must not all want the same lines of the cache.
    const int64_t v_stride = groups * tile.rows * depth + transforms<T>().lanes;
    const int64_t m_stride = groups * tile.rows * tile.columns;
    Tensor scratch({points * (v_stride + m_stride)}, dtype_of<T>());
    T *v = scratch.data<T>(), *m = v + points * v_stride;
    for (int64_t t = begin; t < end; ++t) {
      transform_input(g, Place(g, t), x, zeros.data(), v + (t - begin) * depth, v_stride);
    }
    std::vector<const T*> left(static_cast<size_t>(tile.rows));
    for (int64_t panel = 0; panel < panels; ++panel) {
      for (int64_t p = 0; p < points; ++p) {
        for (int64_t group = 0; group < groups; ++group) {
          for (int64_t i = 0; i < tile.rows; ++i) {
            left[i] = v + p * v_stride + std::min(group * tile.rows + i, end - begin - 1) * depth;
          }
          tile.by_rows(1, depth, left.data(), u + (panel * points + p) * depth * tile.columns,
                       m + p * m_stride + group * tile.rows * tile.columns);
        }
      }
      const int64_t panel_end = std::min((panel + 1) * tile.columns, kernel.columns);
      for (int64_t t = begin; t < end; ++t) {
        const Place at(g, t);
        int64_t count;
        for (int64_t j = panel * tile.columns; j < panel_end; j += count) {
          const int64_t phase = j / kernel.channels, c = j % kernel.channels;
          count = std::min(panel_end - j, kernel.channels - c);
          auto targets = outputs_of(g, at, phase / g.columns.output_phases, phase % g.columns.output_phases, y);
          for (T*& target : targets) target = target ? target + c : nullptr;
          transforms<T>().output(m + (t - begin) * tile.columns + j % tile.columns, m_stride,
                                 std::min(count, y.channels - c), b ? b + c : nullptr, activation, targets.data());
        }
      }
    }
  });
}

}  // namespace

#ifdef __x86_64__
template <>
const Transforms<float>& transforms<float>() {
  return of_level(portable_f32, avx2_f32, avx512_f32);
}
template <>
const Transforms<double>& transforms<double>() {
  return of_level(portable_f64, avx2_f64, avx512_f64);
}
#else
template <>
const Transforms<float>& transforms<float>() {
  return portable_f32;
}
template <>
const Transforms<double>& transforms<double>() {
  return portable_f64;
}
#endif

bool possible(int64_t kh, int64_t kw, const Conv2dOptions& options) {
  const auto fits = [&](int64_t k) {
    return options.stride == 1 ? k == 3 : options.stride == 2 && options.dilation == 1 && (k == 4 || k == 5);
  };
  return fits(kh) && fits(kw);
}

bool faster(const Shape& x, const Shape& w, const Conv2dOptions& options, double direct_cost) {
  if (!possible(w[0], w[1], options) || (options.stride == 2 && w[0] * w[1] < 25)) return false;
  const auto outputs_along = [&](int axis) { return conv2d_axis(x[axis], w[axis - 1], options).out; };
  const int64_t rows = outputs_along(1), columns = outputs_along(2), d = options.dilation;
  const auto tiles_along = [d](int64_t n) { return d * (((n + d - 1) / d + 3) / 4); };
  const double tiles = static_cast<double>(x[0] * tiles_along(rows) * tiles_along(columns));
  const double depth = static_cast<double>(w[2] * options.stride * options.stride),
               channels = static_cast<double>(w[3]);
  // In multiplications. The transforms cost about as much as 10 and 7 products with each of the 36 points; that of the
  // kernel, most of it writing to memory, as much as 2000 for each of its rows.
  const double transformed = tiles * points * (depth * channels + 10 * depth + 7 * channels) + 2000 * depth * channels;
  const double plain = static_cast<double>(x[0] * rows * columns * w[0] * w[1] * w[2]) * channels;
  return depth >= 8 && transformed < 0.9 * direct_cost * plain;
}

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  const Geometry geometry = forward_geometry(x, w.dim(0), w.dim(1), options);
  visit_float(x.dtype(), "conv2d", [&]<class T>(T) {
    if (options.stride == 1) {
      const Kernel<T> kernel{w, w.dim(2), w.dim(3), w.dim(3)};
      convolve<T>(stream, geometry, x, kernel, b, activation, y);
    } else {
      convolve<T>(stream, geometry, x, kernel_for<T>(stream, geometry, w), b, activation, y);
    }
  });
}

void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  const Geometry geometry{input_axis(conv2d_axis(dx.dim(1), w.dim(0), options), w.dim(0), options),
                          input_axis(conv2d_axis(dx.dim(2), w.dim(1), options), w.dim(1), options), dx.dim(0)};
  visit_float(g.dtype(), "conv2d_input", [&]<class T>(T) {
    const Kernel<T> kernel = kernel_for<T>(stream, geometry, exchanged<T>(stream, w));
    convolve<T>(stream, geometry, g, kernel, {}, {}, dx);
  });
}

void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y) {
  // The doubled picture's border pixels, mirrored with or without themselves, are those of the picture itself.
  const PadMode mode = padding == Padding::same ? PadMode::zero : PadMode::symmetric;
  const Geometry geometry{upsampled_axis(x.dim(1), mode), upsampled_axis(x.dim(2), mode), x.dim(0)};
  visit_float(x.dtype(), "conv2d_upsampled", [&]<class T>(T) {
    convolve<T>(stream, geometry, x, kernel_for<T>(stream, geometry, w), b, activation, y);
  });
}

}  // namespace lacuna::kernels::winograd
