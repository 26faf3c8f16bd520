#include <algorithm>
#include <vector>

#include "ops/conv2d/winograd.h"
#include "ops/conv2d/winograd_kernel.h"
#include "ops/matmul/tile.h"
#include "tensor/cpu_level.h"

namespace lacuna::kernels::winograd {
namespace {

template <class T>
const Transforms<T>& of_level(const Transforms<T>& portable, const Transforms<T>& avx2, const Transforms<T>& avx512) {
  const CpuLevel level = cpu_level();
  return level >= CpuLevel::avx512 ? avx512 : level == CpuLevel::avx2 ? avx2 : portable;
}

/// w (kh,kw,Ci,Co) with its last two axes exchanged.
template <class T>
Tensor exchanged(const CpuStream& stream, const Tensor& w) {
  const int64_t ci = w.dim(2), co = w.dim(3);
  Tensor out({w.dim(0), w.dim(1), co, ci}, w.dtype());
  constexpr int64_t block = 64;
  const int64_t blocks = (ci + block - 1) / block;
  parallel_for(stream, w.dim(0) * w.dim(1) * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t tap = task / blocks, first = task % blocks * block;
      tile_level<T>().transpose(w.data<T>() + (tap * ci + first) * co, co, std::min(block, ci - first), co,
                                out.data<T>() + tap * ci * co + first, ci);
    }
  });
  return out;
}

/// A convolution: y = activate(that of x + bias) as the geometry has it.
template <class T>
class Convolution {
 public:
  Convolution(const Geometry& g, const Tensor& x, const Tensor& bias, const Activation& activation,
              const TransformedKernel<T>& kernel, Tensor& y)
      : g_(g),
        x_(picture_of<T>(x)),
        y_(picture_of<T>(y)),
        bias_(bias.defined() ? bias.data<T>() : nullptr),
        activation_(activation),
        kernel_(kernel),
        tile_(tile_kernels<T>(kernel.columns)),
        step_(tile_step(g.input_phases(), x_.channels, transforms<T>().lanes)),
        zeros_(static_cast<size_t>(x_.channels + transforms<T>().lanes), T{0}) {}

  void run(const CpuStream& stream) const {
    // What goes through memory beside the picture, in elements: the kernel once for each task, which costs nothing
    // while the caches hold it, or the transformed tiles and products, written and read.
    constexpr int64_t cached = 7 << 19;
    const int64_t task = tiles_per_task(stream);
    const double tasks = static_cast<double>((g_.tiles() + task - 1) / task);
    const double moved = 2.0 * points * static_cast<double>(g_.tiles() * (step_ + kernel_.columns));
    if (kernel_.values.nbytes() > cached && tasks * static_cast<double>(kernel_.values.numel()) > 2 * moved) {
      by_points(stream);
    } else {
      by_tiles(stream, task);
    }
  }

 private:
  /// Of all tiles, how many a task takes, in whole tiles of the product: as many as let their transforms stay in the
  /// second-level cache, or where that is too few to read the transformed kernel for, a number whose transforms come
  /// from the third; but few enough to keep all threads busy to the end.
  int64_t tiles_per_task(const CpuStream& stream) const {
    constexpr int64_t cache = 1280 << 10, most = 64, tasks_per_thread = 8;
    const int64_t fitting = cache / (points * (step_ + tile_.columns) * static_cast<int64_t>(sizeof(T)));
    const int64_t wanted = fitting < 2 * tile_.rows ? most : std::min(fitting, most);
    const int64_t fair = up_to_multiple(g_.tiles() / (tasks_per_thread * stream.threads) + 1, tile_.rows);
    return std::min(wanted / tile_.rows * tile_.rows, fair);
  }

  /// m (tiles x columns of the panel) = `count` transformed tiles at a point, from v on, times a panel of the kernel.
  void multiply(const T* v, int64_t count, int64_t panel, int point, T* m) const {
    const auto& block = kernel_.block(panel, point);
    // Phases that follow one another are one run of the depth.
    const bool together =
        block.count > 0 && block.phases[static_cast<size_t>(block.count - 1)] == block.phases.front() + block.count - 1;
    const int runs = together ? 1 : block.count;
    const int64_t depth = together ? block.count * x_.channels : x_.channels;
    const T* left[4 * most_rows];
    const T* u = kernel_.values.template data<T>() + block.offset;
    for (int64_t first = 0; first < count; first += tile_.rows, m += tile_.rows * tile_.columns) {
      if (block.count == 0) {
        std::fill_n(m, tile_.rows * tile_.columns, T{0});
        continue;
      }
      for (int q = 0; q < runs; ++q) {
        const T* phase = v + block.phases[static_cast<size_t>(q)] * x_.channels;
        for (int64_t i = 0; i < tile_.rows; ++i) {
          left[q * tile_.rows + i] = phase + std::min(first + i, count - 1) * step_;
        }
      }
      tile_.by_rows(runs, depth, left, u, m);
    }
  }

  /// Stores a panel's outputs of a tile, whose products lie m_step apart.
  void store(const Place& at, int64_t panel, const T* m, int64_t m_step) const {
    const int64_t first = panel * tile_.columns, end = std::min(first + tile_.columns, kernel_.columns);
    int64_t count;
    for (int64_t j = first; j < end; j += count) {
      const int64_t phase = j / kernel_.channels, c = j % kernel_.channels;
      count = std::min(end - j, kernel_.channels - c);
      auto targets = outputs_of(g_, at, phase / g_.columns.output_phases, phase % g_.columns.output_phases, y_);
      for (T*& target : targets) target = target ? target + c : nullptr;
      transforms<T>().output(m + (j - first), m_step, std::min(count, y_.channels - c), bias_ ? bias_ + c : nullptr,
                             activation_, targets.data());
    }
  }

  /// Task by task from the picture to the outputs; each reads the whole kernel.
  void by_tiles(const CpuStream& stream, int64_t task) const {
    parallel_for(stream, g_.tiles(), task, [&](int64_t begin, int64_t end) {
      const int64_t count = end - begin, rows = up_to_multiple(count, tile_.rows);
      // No power of two: the 36 points of a channel must not all want the same lines of the cache.
      const int64_t v_step = count * step_ + transforms<T>().lanes, m_step = rows * tile_.columns;
      Tensor scratch({points * (v_step + m_step)}, dtype_of<T>());
      T *v = scratch.data<T>(), *m = v + points * v_step;
      for (int64_t t = 0; t < count; ++t) {
        transform_input(g_, Place(g_, begin + t), x_, zeros_.data(), v + t * step_, v_step);
      }
      for (int64_t panel = 0; panel < kernel_.panels; ++panel) {
        for (int p = 0; p < points; ++p) multiply(v + p * v_step, count, panel, p, m + p * m_step);
        for (int64_t t = 0; t < count; ++t) store(Place(g_, begin + t), panel, m + t * tile_.columns, m_step);
      }
    });
  }

  /// First many tiles' transforms, then point by point the products, then the outputs: the kernel, larger than the
  /// tiles, is read once for all of these.
  void by_points(const CpuStream& stream) const {
    constexpr int64_t cache = 24 << 20;
    const int64_t fitting = cache / (points * (step_ + kernel_.columns) * static_cast<int64_t>(sizeof(T)));
    const int64_t most = std::max<int64_t>(fitting, 4 * tile_.rows) / tile_.rows * tile_.rows;
    const int64_t chunk = std::min(most, up_to_multiple(g_.tiles(), tile_.rows));
    const int64_t v_step = chunk * step_ + transforms<T>().lanes, panel_step = chunk * tile_.columns;
    const int64_t m_step = kernel_.panels * panel_step + transforms<T>().lanes;
    Tensor v_values({points * v_step}, dtype_of<T>()), m_values({points * m_step}, dtype_of<T>());
    T *v = v_values.data<T>(), *m = m_values.data<T>();
    for (int64_t first = 0; first < g_.tiles(); first += chunk) {
      const int64_t count = std::min(chunk, g_.tiles() - first);
      parallel_for(stream, count, 4, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t) {
          transform_input(g_, Place(g_, first + t), x_, zeros_.data(), v + t * step_, v_step);
        }
      });
      parallel_for(stream, points, 1, [&](int64_t begin, int64_t end) {
        for (auto p = static_cast<int>(begin); p < static_cast<int>(end); ++p) {
          // A few tiles at a time, which stay in the first-level cache while the point's kernel comes from the second.
          for (int64_t t = 0; t < count; t += tile_.rows) {
            for (int64_t panel = 0; panel < kernel_.panels; ++panel) {
              multiply(v + p * v_step + t * step_, std::min(tile_.rows, count - t), panel, p,
                       m + p * m_step + panel * panel_step + t * tile_.columns);
            }
          }
        }
      });
      parallel_for(stream, count, 4, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t) {
          const Place at(g_, first + t);
          for (int64_t panel = 0; panel < kernel_.panels; ++panel) {
            store(at, panel, m + panel * panel_step + t * tile_.columns, m_step);
          }
        }
      });
    }
  }

  static constexpr int64_t most_rows = 16;

  const Geometry& g_;
  Picture<const T> x_;
  Picture<T> y_;
  const T* bias_;
  const Activation& activation_;
  const TransformedKernel<T>& kernel_;
  const TileKernels<T>& tile_;
  int64_t step_;
  std::vector<T> zeros_;
};

/// y = activate(convolution of x with w + bias) as the geometry has it.
template <class T>
void convolve(const CpuStream& stream, const Geometry& g, const Tensor& x, const Tensor& w, const Tensor& bias,
              const Activation& activation, Tensor& y) {
  const TransformedKernel<T> kernel = transformed_kernel<T>(stream, g, w);
  Convolution<T>(g, x, bias, activation, kernel, y).run(stream);
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
    return options.stride == 1 ? k == 3 : options.stride == 2 && options.dilation == 1 && (k >= 3 && k <= 5);
  };
  return fits(kh) && fits(kw);
}

bool faster(const Shape& x, const Shape& w, const Conv2dOptions& options, double direct_cost) {
  if (!possible(w[0], w[1], options)) return false;
  const auto outputs_along = [&](int axis) { return conv2d_axis(x[axis], w[axis - 1], options).out; };
  const int64_t rows = outputs_along(1), columns = outputs_along(2), d = options.dilation;
  // Parts of tiles at the border do not count where there are many, so that a strip of a picture is done like the
  // whole.
  const auto tiles_along = [d](int64_t n) {
    return d == 1 && n >= 16 ? static_cast<double>(n) / 4 : static_cast<double>(d * (((n + d - 1) / d + 3) / 4));
  };
  // Along an axis, of all phases: 6 points of 3 taps, 5 of 2, 4 of 1.
  const auto points_along = [&](int64_t k) { return options.stride == 1 ? 6 : k + 6; };
  const double tiles = static_cast<double>(x[0]) * tiles_along(rows) * tiles_along(columns);
  const double phases = static_cast<double>(options.stride * options.stride), channels = static_cast<double>(w[3]),
               depth = static_cast<double>(w[2]),
               products = static_cast<double>(points_along(w[0]) * points_along(w[1]));
  // In multiplications. The transforms cost about as much as 10 and 7 products with each of the 36 points; that of the
  // kernel as much as 200 for each of its rows and columns, 900 where it is written to memory.
  const double kernel = phases * depth * channels, kernel_cost = products * depth * channels < 1 << 20 ? 200 : 900;
  const double transformed =
      tiles * (products * depth * channels + points * (10 * phases * depth + 7 * channels)) + kernel_cost * kernel;
  const double plain = static_cast<double>(x[0] * rows * columns * w[0] * w[1] * w[2]) * channels;
  return phases * depth >= 8 && transformed < 0.9 * direct_cost * plain;
}

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  const Geometry geometry = forward_geometry(x, w.dim(0), w.dim(1), options);
  visit_float(x.dtype(), "conv2d", [&]<class T>(T) { convolve<T>(stream, geometry, x, w, b, activation, y); });
}

void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  const Geometry geometry{input_axis(conv2d_axis(dx.dim(1), w.dim(0), options), w.dim(0), options),
                          input_axis(conv2d_axis(dx.dim(2), w.dim(1), options), w.dim(1), options), dx.dim(0)};
  visit_float(g.dtype(), "conv2d_input",
              [&]<class T>(T) { convolve<T>(stream, geometry, g, exchanged<T>(stream, w), {}, {}, dx); });
}

void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y) {
  // The doubled picture's border pixels, mirrored with or without themselves, are those of the picture itself.
  const PadMode mode = padding == Padding::same ? PadMode::zero : PadMode::symmetric;
  const Geometry geometry{upsampled_axis(x.dim(1), mode), upsampled_axis(x.dim(2), mode), x.dim(0)};
  visit_float(x.dtype(), "conv2d_upsampled",
              [&]<class T>(T) { convolve<T>(stream, geometry, x, w, b, activation, y); });
}

}  // namespace lacuna::kernels::winograd
