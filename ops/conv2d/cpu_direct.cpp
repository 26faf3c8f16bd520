#include <algorithm>

#include "ops/conv2d/direct.h"
#include "ops/conv2d/epilogue.h"
#include "ops/conv2d/gather.h"
#include "ops/matmul/kernels.h"
#include "ops/matmul/tile.h"

namespace lacuna::kernels::direct {
namespace {

/// Output positions first + step * i along each axis, i < count.
struct Lattice {
  int64_t row_first, row_step, rows;
  int64_t column_first, column_step, columns;
};

/// y at the lattice's positions = sum over taps of x gathered at (row tap, column tap) times that tap's matrix: an
/// implicit matrix product, whose left operand is read in place. `packed` holds the matrices of all taps stacked, as
/// panels.
template <class T>
void gather_multiply(const CpuStream& stream, const Tensor& x, const AxisGather& rows, const AxisGather& columns,
                     const T* packed, const Lattice& lattice, const Epilogue<T>& epilogue, Tensor& y) {
  const TileKernels<T>& tile = tile_kernels<T>(y.dim(3));
  const int64_t width = x.dim(2), depth = x.dim(3);
  const int64_t out_rows = y.dim(1), out_columns = y.dim(2), channels = y.dim(3);
  const int64_t image = x.dim(1) * width * depth, taps = rows.taps * columns.taps;
  const int64_t panels = (channels + tile.columns - 1) / tile.columns;
  const int64_t per_image = lattice.rows * lattice.columns;
  const std::vector<T> zeros(static_cast<size_t>(depth), T{0});
  const T* source = x.data<T>();
  T* out = y.data<T>();

  const int64_t task = rows_per_task(tile.rows, taps * depth * channels);
  parallel_for(stream, x.dim(0) * per_image, task, [&](int64_t begin, int64_t end) {
    alignas(64) T sums[max_tile];
    const int64_t tiles = (end - begin + tile.rows - 1) / tile.rows;
    std::vector<const T*> pixels(static_cast<size_t>(tiles * taps * tile.rows));
    std::vector<T*> targets(static_cast<size_t>(tiles * tile.rows));
    for (int64_t p = 0; p < tiles * tile.rows; ++p) {
      const int64_t position = std::min(begin + p, end - 1);  // the last tile's spare rows repeat the last position
      const int64_t n = position / per_image, i = position % per_image / lattice.columns,
                    j = position % lattice.columns;
      const int64_t row = lattice.row_first + i * lattice.row_step;
      const int64_t column = lattice.column_first + j * lattice.column_step;
      targets[p] = out + ((n * out_rows + row) * out_columns + column) * channels;
      const T** tap = pixels.data() + p / tile.rows * taps * tile.rows + p % tile.rows;
      for (int64_t r = 0; r < rows.taps; ++r) {
        const int64_t source_row = rows.source[r * rows.out + i];
        for (int64_t s = 0; s < columns.taps; ++s, tap += tile.rows) {
          const int64_t source_column = columns.source[s * columns.out + j];
          *tap = source_row < 0 || source_column < 0
                     ? zeros.data()
                     : source + n * image + (source_row * width + source_column) * depth;
        }
      }
    }
    for (int64_t panel = 0; panel < panels; ++panel) {
      const int64_t channel = panel * tile.columns, count = std::min(tile.columns, channels - channel);
      for (int64_t t = 0; t < tiles; ++t) {
        tile.by_rows(taps, depth, pixels.data() + t * taps * tile.rows, packed + panel * taps * depth * tile.columns,
                     sums);
        const int64_t valid = std::min(tile.rows, end - begin - t * tile.rows);
        for (int64_t i = 0; i < valid; ++i) {
          epilogue(sums + i * tile.columns, channel, count, targets[t * tile.rows + i] + channel);
        }
      }
    }
  });
}

template <class T>
Tensor panels_for(int64_t depth, int64_t channels) {
  const int64_t columns = tile_kernels<T>(channels).columns;
  return Tensor({(channels + columns - 1) / columns * columns * depth}, dtype_of<T>());
}

/// The taps t in [0, taps) whose offset makes position + before - t * dilation a multiple of stride.
std::vector<int64_t> taps_reaching(int64_t position, int64_t before, int64_t taps, const Conv2dOptions& options) {
  std::vector<int64_t> reaching;
  for (int64_t t = 0; t < taps; ++t) {
    if ((position + before - t * options.dilation) % options.stride == 0) reaching.push_back(t);
  }
  return reaching;
}

/// Where x is read under one tap by output positions [first, first + count), counted through the batch.
template <class T>
void pixels_under_tap(const Tensor& x, const AxisGather& rows, const AxisGather& columns, int64_t tap, int64_t first,
                      int64_t count, const T* zeros, const T** pixels) {
  const int64_t width = x.dim(2), depth = x.dim(3), image = x.dim(1) * width * depth,
                per_image = rows.out * columns.out;
  const int64_t* source_rows = rows.source.data() + tap / columns.taps * rows.out;
  const int64_t* source_columns = columns.source.data() + tap % columns.taps * columns.out;
  const T* picture = x.data<T>() + first / per_image * image;
  int64_t i = first % per_image / columns.out, j = first % columns.out;
  for (int64_t p = 0; p < count; ++p) {
    const bool inside = source_rows[i] >= 0 && source_columns[j] >= 0;
    pixels[p] = inside ? picture + (source_rows[i] * width + source_columns[j]) * depth : zeros;
    if (++j == columns.out) {
      j = 0;
      if (++i == rows.out) {
        i = 0;
        picture += image;
      }
    }
  }
}

AxisGather input_gather(int64_t phase, const std::vector<int64_t>& taps, const Conv2dAxis& axis, int64_t count,
                        const Conv2dOptions& options) {
  std::vector<int64_t> offsets;
  for (const int64_t t : taps) offsets.push_back((phase + axis.before - t * options.dilation) / options.stride);
  return axis_gather(axis.out, count, 1, offsets, PadMode::zero);
}

}  // namespace

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  const int64_t kh = w.dim(0), kw = w.dim(1), depth = kh * kw * w.dim(2), channels = w.dim(3);
  const Conv2dAxis rows = conv2d_axis(x.dim(1), kh, options), columns = conv2d_axis(x.dim(2), kw, options);
  const PadMode mode = pad_mode(options.padding);
  visit_float(x.dtype(), "conv2d", [&]<class T>(T) {
    Tensor packed = panels_for<T>(depth, channels);
    pack_panels(stream, w.data<T>(), depth, channels, channels, 1, tile_kernels<T>(channels).columns, packed.data<T>());
    gather_multiply<T>(
        stream, x, axis_gather(rows.in, rows.out, options.stride, tap_offsets(kh, options.dilation, rows.before), mode),
        axis_gather(columns.in, columns.out, options.stride, tap_offsets(kw, options.dilation, columns.before), mode),
        packed.data<T>(), {0, 1, rows.out, 0, 1, columns.out},
        {.bias = b.defined() ? b.data<T>() : nullptr, .activation = activation}, y);
  });
}

// An input position is reached by those taps alone whose offset fits the stride, so positions are taken in stride *
// stride phases: within a phase the taps are the same, and the gradient is a gather from g with the transposed kernels.
void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  const int64_t kw = w.dim(1), ci = w.dim(2), co = w.dim(3), stride = options.stride;
  const Conv2dAxis rows = conv2d_axis(dx.dim(1), w.dim(0), options), columns = conv2d_axis(dx.dim(2), kw, options);
  visit_float(g.dtype(), "conv2d_input", [&]<class T>(T) {
    for (int64_t row_phase = 0; row_phase < std::min(stride, rows.in); ++row_phase) {
      const std::vector<int64_t> row_taps = taps_reaching(row_phase, rows.before, w.dim(0), options);
      for (int64_t column_phase = 0; column_phase < std::min(stride, columns.in); ++column_phase) {
        const std::vector<int64_t> column_taps = taps_reaching(column_phase, columns.before, kw, options);
        const Lattice lattice{row_phase,    stride, (rows.in - row_phase + stride - 1) / stride,
                              column_phase, stride, (columns.in - column_phase + stride - 1) / stride};
        const int64_t depth = static_cast<int64_t>(row_taps.size() * column_taps.size()) * co;
        Tensor stacked({depth, ci}, dtype_of<T>()), packed = panels_for<T>(depth, ci);
        T* out = stacked.data<T>();
        for (const int64_t r : row_taps) {
          for (const int64_t s : column_taps) {
            const T* kernel = w.data<T>() + (r * kw + s) * ci * co;
            for (int64_t o = 0; o < co; ++o) {
              for (int64_t c = 0; c < ci; ++c) *out++ = kernel[c * co + o];
            }
          }
        }
        pack_panels(stream, stacked.data<T>(), depth, ci, ci, 1, tile_kernels<T>(ci).columns, packed.data<T>());
        gather_multiply<T>(stream, g, input_gather(row_phase, row_taps, rows, lattice.rows, options),
                           input_gather(column_phase, column_taps, columns, lattice.columns, options), packed.data<T>(),
                           lattice, {}, dx);
      }
    }
  });
}

// dw (taps * Ci x Co) = unfolded x, transposed, times g. The sum over positions runs in blocks that stay in the cache;
// a task owns some rows of dw, so the order of summation does not depend on the threads.
void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  constexpr int64_t position_block = 256;
  const int64_t kh = dw.dim(0), kw = dw.dim(1), depth = dw.dim(2), channels = dw.dim(3);
  const Conv2dAxis rows = conv2d_axis(x.dim(1), kh, options), columns = conv2d_axis(x.dim(2), kw, options);
  const PadMode mode = pad_mode(options.padding);
  const AxisGather row_gather =
      axis_gather(rows.in, rows.out, options.stride, tap_offsets(kh, options.dilation, rows.before), mode);
  const AxisGather column_gather =
      axis_gather(columns.in, columns.out, options.stride, tap_offsets(kw, options.dilation, columns.before), mode);
  const int64_t positions = x.dim(0) * rows.out * columns.out;

  visit_float(x.dtype(), "conv2d_weight", [&]<class T>(T) {
    const TileKernels<T>& tile = tile_kernels<T>(channels);
    const int64_t panels = (channels + tile.columns - 1) / tile.columns;
    const std::vector<T> zeros(static_cast<size_t>(depth + tile.rows), T{0});
    const int64_t groups_per_tap = (depth + tile.rows - 1) / tile.rows;
    std::fill_n(dw.data<T>(), dw.numel(), T{0});
    // In groups of rows. Each task packs g for itself, which four of them are enough to pay for.
    const int64_t task = rows_per_task(1, tile.rows * positions * channels, 4);
    parallel_for(stream, kh * kw * groups_per_tap, task, [&](int64_t begin, int64_t end) {
      alignas(64) T sums[max_tile];
      std::vector<const T*> pixels(position_block), left(position_block);
      Tensor packed({panels * position_block * tile.columns}, dtype_of<T>());
      const CpuStream here{1, stream.precision};
      for (int64_t p0 = 0; p0 < positions; p0 += position_block) {
        const int64_t count = std::min(position_block, positions - p0);
        pack_panels(here, g.data<T>() + p0 * channels, count, channels, channels, 1, tile.columns, packed.data<T>());
        for (int64_t group = begin; group < end; ++group) {
          const int64_t tap = group / groups_per_tap, first = group % groups_per_tap * tile.rows;
          if (group == begin || first == 0) {
            pixels_under_tap(x, row_gather, column_gather, tap, p0, count, zeros.data(), pixels.data());
          }
          const int64_t valid_rows = std::min(tile.rows, depth - first);
          for (int64_t p = 0; p < count; ++p) left[p] = pixels[p] + first;
          for (int64_t panel = 0; panel < panels; ++panel) {
            tile.by_columns(count, left.data(), packed.data<T>() + panel * count * tile.columns, sums);
            const int64_t channel = panel * tile.columns, valid = std::min(tile.columns, channels - channel);
            for (int64_t i = 0; i < valid_rows; ++i) {
              T* row = dw.data<T>() + (tap * depth + first + i) * channels + channel;
              for (int64_t j = 0; j < valid; ++j) row[j] += sums[i * tile.columns + j];
            }
          }
        }
      }
    });
  });
}

}  // namespace lacuna::kernels::direct
