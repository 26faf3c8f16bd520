#include <functional>

#include "ops/conv2d/direct_gather.h"

namespace lacuna::kernels::direct {

template <class T>
Tensor Stack<T>::panels(const CpuStream& stream, int64_t width) const {
  const int64_t count = (columns + width - 1) / width, tap_count = static_cast<int64_t>(taps.size());
  Tensor packed({count, rows(), width}, dtype_of<T>());
  T* to = packed.template data<T>();
  parallel_for(stream, count * tap_count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / tap_count * width, valid = std::min(width, columns - first);
      const T* from = data + taps[static_cast<size_t>(i % tap_count)] * tap_step + first * column_step;
      T* out = to + i * depth * width;
      if (column_step != 1 && row_step == 1) {
        tile_level<T>().transpose(from, column_step, valid, depth, out, width);
      } else {
        for (int64_t k = 0; k < depth; ++k) {
          for (int64_t c = 0; c < valid; ++c) out[k * width + c] = from[k * row_step + c * column_step];
        }
      }
      for (int64_t k = 0; k < depth && valid < width; ++k) std::fill_n(out + k * width + valid, width - valid, T{0});
    }
  });
  return packed;
}

namespace {

/// Consecutive pixels of y on the lattice, counted through rows and pictures.
template <class T>
class Targets {
 public:
  Targets(Tensor& y, const Reads& rows, const Lattice& lattice)
      : y_(y.data<T>()), height_(y.dim(1)), width_(y.dim(2)), channels_(y.dim(3)), rows_(rows.out), lattice_(lattice) {}

  /// Row q of the batch, column j.
  T* at(int64_t q, int64_t j) const {
    const int64_t row = q / rows_ * height_ + lattice_.row_first + q % rows_ * lattice_.row_step;
    return y_ + (row * width_ + lattice_.column_first + j * lattice_.column_step) * channels_;
  }
  int64_t step() const { return lattice_.column_step * channels_; }

 private:
  T* y_;
  int64_t height_, width_, channels_, rows_;
  Lattice lattice_;
};

/// The product itself, for `count` positions: address(p, table, step) writes the addresses of the p-th under all taps,
/// `step` apart in the table, and returns its target; called for ascending p.
template <class T, class Address>
void multiply(const TileKernels<T>& tile, int64_t taps, int64_t depth, const T* panels, int64_t channels,
              const Finish<T>& finish, int64_t count, Address address) {
  alignas(64) T sums[max_tile];
  T* part[max_tile];
  const int64_t tiles = (count + tile.rows - 1) / tile.rows;
  std::vector<const T*> pixels(static_cast<size_t>(tiles * taps * tile.rows));
  std::vector<T*> targets(static_cast<size_t>(tiles * tile.rows));
  const auto table = [&](int64_t p) { return pixels.data() + p / tile.rows * taps * tile.rows + p % tile.rows; };
  for (int64_t p = 0; p < count; ++p) targets[p] = address(p, table(p), tile.rows);
  for (int64_t p = count; p < tiles * tile.rows; ++p) {  // the last tile's spare rows repeat the last position
    for (int64_t t = 0; t < taps; ++t) table(p)[t * tile.rows] = table(count - 1)[t * tile.rows];
  }
  for (int64_t first = 0; first < channels; first += tile.columns, panels += taps * depth * tile.columns) {
    Finish<T> here = finish;
    if (here.bias) here.bias += first;
    for (int64_t t = 0; t < tiles; ++t) {
      tile.by_rows(taps, depth, pixels.data() + t * taps * tile.rows, panels, sums);
      const int64_t valid = std::min(tile.rows, count - t * tile.rows);
      for (int64_t i = 0; i < valid; ++i) part[i] = targets[t * tile.rows + i] + first;
      tile_level<T>().finish(here, sums, tile.columns, valid, std::min(tile.columns, channels - first), part);
    }
  }
}

/// A product's blocks of outputs, for any thread to compute.
struct Tasks {
  int64_t count;
  std::function<void(int64_t index)> run;
};

/// Reads pixels where they lie.
template <class T>
Tasks multiply_in_place(const Tensor& x, const GatherProduct<T>& product, const Tensor& panels,
                        const TileKernels<T>& tile, const Targets<T>& targets, int64_t task) {
  const Reads &rows = product.rows, &columns = product.columns;
  const int64_t depth = x.dim(3), row_size = x.dim(2) * depth, width = columns.out;
  const int64_t row_taps = rows.taps(), column_taps = columns.taps(), taps = row_taps * column_taps;
  std::vector<int64_t> offsets;  // [output * taps + tap]: where in a row, -1 for a zero
  for (int64_t j = 0; j < width; ++j) {
    for (const int64_t offset : columns.offsets) {
      const int64_t source = columns.source(j * columns.stride + offset);
      offsets.push_back(source < 0 ? -1 : source * depth);
    }
  }
  const int64_t positions = x.dim(0) * rows.out * width;
  const auto run = [=, &x, &product, zeros = std::vector<T>(static_cast<size_t>(depth), T{0})](int64_t index) {
    std::vector<const T*> bases(static_cast<size_t>(row_taps));
    const int64_t begin = index * task, count = std::min(task, positions - begin);
    int64_t q = begin / width, j = begin % width - 1;
    T* target = nullptr;
    const auto start_row = [&] {
      for (int64_t r = 0; r < row_taps; ++r) {
        const int64_t source =
            product.rows.source(q % product.rows.out * product.rows.stride + product.rows.offsets[r]);
        bases[r] = source < 0 ? nullptr : x.data<T>() + (q / product.rows.out * product.rows.in + source) * row_size;
      }
      target = targets.at(q, j);
    };
    const auto address = [&](int64_t p, const T** table, int64_t step) {
      if (++j == width) ++q, j = 0;
      if (p == 0 || j == 0) {
        start_row();
      } else {
        target += targets.step();
      }
      const int64_t* offset = offsets.data() + j * column_taps;
      for (int64_t r = 0; r < row_taps; ++r) {
        for (int64_t s = 0; s < column_taps; ++s, table += step) {
          *table = bases[r] && offset[s] >= 0 ? bases[r] + offset[s] : zeros.data();
        }
      }
      return target;
    };
    multiply(tile, taps, depth, panels.data<T>(), product.kernel.columns, product.finish, count, address);
  };
  return {(positions + task - 1) / task, run};
}

/// Reads the neighbouring pixels under a row of taps as one run, from a padded copy: for pictures of few channels.
template <class T>
Tasks multiply_runs(const Tensor& x, const GatherProduct<T>& product, const Tensor& panels, const TileKernels<T>& tile,
                    const Targets<T>& targets) {
  const Blocks blocks{x.dim(0) * product.rows.out, product.columns.out, 4, 256};
  const auto run = [=, &x, &product](int64_t index) {
    const Reads& columns = product.columns;
    const int64_t depth = x.dim(3), row_size = x.dim(2) * depth, taps = product.rows.taps();
    const Block block(blocks, index);
    const RowsRead read(product.rows, block);
    const int64_t extent = columns.extent(block.columns), begin = block.column * columns.stride + columns.offsets[0];
    const T *pixels = x.data<T>(), *end = pixels + x.numel();
    Tensor copy({read.count() * extent * depth + copy_slack}, dtype_of<T>());
    T* copied = copy.data<T>();
    for (int64_t i = 0; i < read.count(); ++i) {
      copy_pixels(columns, read.sources[i] < 0 ? nullptr : pixels + read.sources[i] * row_size, depth, end, begin,
                  extent, 0, depth, depth, copied + i * extent * depth);
    }
    const auto address = [&](int64_t p, const T** table, int64_t step) {
      const int64_t q = p / block.columns, j = p % block.columns;
      for (int64_t r = 0; r < taps; ++r) {
        table[r * step] = copied + (read.place[r * block.rows + q] * extent + j * columns.stride) * depth;
      }
      return targets.at(block.row + q, block.column + j);
    };
    multiply(tile, taps, columns.taps() * depth, panels.data<T>(), product.kernel.columns, product.finish,
             block.rows * block.columns, address);
  };
  return {blocks.count(), run};
}

/// The vectors of a planar tile for so many channels and outputs in a row; 0 where channels in vectors are faster.
template <class T>
int64_t planar_vectors(int64_t channels, const Reads& columns) {
  const TileLevel<T>& level = tile_level<T>();
  if (columns.stride != 1 || channels > most_outer_rows || 10 * channels > 7 * level.lanes) return 0;
  for (int64_t vectors = most_outer_vectors; vectors >= 1; --vectors) {
    // Rather a smaller tile than one that is half empty.
    if (level.outer[vectors][channels] && (vectors == 1 || (vectors - 1) * level.lanes < columns.out)) return vectors;
  }
  return 0;
}

/// A row's positions [begin, begin + extent) as planes, `pitch` apart; a null row is zeros. `scratch` has room for a
/// row's pixels.
template <class T>
void to_planes(const Reads& columns, const T* row, const T* end, int64_t depth, int64_t begin, int64_t extent, T* to,
               int64_t pitch, T* scratch) {
  const int64_t last = begin + extent, inner = std::clamp<int64_t>(0, begin, last);
  const int64_t outer = std::clamp(columns.in, inner, last);
  const auto border = [&](int64_t from, int64_t until) {
    copy_pixels(columns, row, depth, end, from, until - from, 0, depth, depth, scratch);
    tile_level<T>().transpose(scratch, depth, until - from, depth, to + from - begin, pitch);
  };
  if (!row) {
    for (int64_t c = 0; c < depth; ++c) std::fill_n(to + c * pitch, extent, T{0});
    return;
  }
  border(begin, inner);
  tile_level<T>().transpose(row + inner * depth, depth, outer - inner, depth, to + inner - begin, pitch);
  border(outer, last);
}

/// For few output channels, columns.stride 1: pictures become planes, row by row as blocks need them, so that the
/// products of one factor of the kernel with many neighbouring pixels fill the vectors that few channels would not.
template <class T>
Tasks multiply_planes(const Tensor& x, const GatherProduct<T>& product, const Tensor& factors, int64_t vectors,
                      const Targets<T>& targets) {
  constexpr int64_t strip = 128;
  const TileLevel<T>& level = tile_level<T>();
  const int64_t channels = product.kernel.columns, width = vectors * level.lanes;
  const int64_t depth = x.dim(3), row_size = x.dim(2) * depth, terms = product.kernel.rows();
  std::vector<int32_t> factor_offsets;
  for (int64_t k = 0; k < terms; ++k) factor_offsets.push_back(static_cast<int32_t>(k * channels));
  const Blocks blocks{x.dim(0) * product.rows.out, product.columns.out, 8,
                      (std::min(strip, product.columns.out) + width - 1) / width * width};
  const auto run = [=, &level, &x, &product](int64_t index) {
    const Reads &rows = product.rows, &columns = product.columns;
    const Finish<T>& finish = product.finish;
    const Block block(blocks, index);
    const RowsRead read(rows, block);
    const int64_t extent = columns.extent(block.columns), begin = block.column + columns.offsets[0];
    const int64_t pitch = columns.extent(blocks.columns) + level.lanes;  // no power of two
    const T *pixels = x.data<T>(), *end = pixels + x.numel();
    Tensor values({read.count() * depth * pitch + extent * depth + copy_slack}, dtype_of<T>());
    T *planes = values.data<T>(), *scratch = planes + read.count() * depth * pitch;
    for (int64_t i = 0; i < read.count(); ++i) {
      T* to = planes + i * depth * pitch;
      to_planes(columns, read.sources[i] < 0 ? nullptr : pixels + read.sources[i] * row_size, end, depth, begin, extent,
                to, pitch, scratch);
      for (int64_t c = 0; c < depth; ++c) std::fill(to + c * pitch + extent, to + (c + 1) * pitch, T{0});
    }
    alignas(64) T sums[max_tile];
    T* sum_rows[most_outer_rows];
    for (int64_t o = 0; o < channels; ++o) sum_rows[o] = sums + o * width;
    std::vector<int32_t> offsets(static_cast<size_t>(terms));
    for (int64_t q = 0; q < block.rows; ++q) {
      int32_t* offset = offsets.data();
      for (int64_t r = 0; r < rows.taps(); ++r) {
        for (const int64_t column : columns.offsets) {
          const int64_t at = read.place[r * block.rows + q] * depth * pitch + column - columns.offsets[0];
          for (int64_t c = 0; c < depth; ++c) *offset++ = static_cast<int32_t>(at + c * pitch);
        }
      }
      for (int64_t j = 0; j < block.columns; j += width) {
        for (int64_t o = 0; o < channels; ++o) std::fill_n(sum_rows[o], width, finish.bias ? finish.bias[o] : T{0});
        level.outer[vectors][channels](terms, factors.data<T>(), factor_offsets.data(), planes + j, offsets.data(),
                                       sums, width);
        if (finish.curve != Finish<T>::Curve::none) {
          level.finish({.curve = finish.curve, .slope = finish.slope}, sums, width, channels, width, sum_rows);
        }
        level.transpose(sums, width, channels, std::min(width, block.columns - j),
                        targets.at(block.row + q, block.column + j), targets.step());
      }
    }
  };
  return {blocks.count(), run};
}

template <class T>
Tasks tasks_for(const CpuStream& stream, const Tensor& x, const GatherProduct<T>& product, Tensor& y, int64_t depth) {
  constexpr int64_t few = 16;
  const Stack<T>& kernel = product.kernel;
  const Targets<T> targets(y, product.rows, product.lattice);
  if (const int64_t vectors = planar_vectors<T>(kernel.columns, product.columns)) {
    return multiply_planes(x, product, kernel.panels(stream, kernel.columns), vectors, targets);
  }
  const TileKernels<T>& tile = tile_kernels<T>(kernel.columns);
  const Tensor panels = kernel.panels(stream, tile.columns);
  if (product.columns.taps() > 1 && product.columns.consecutive() && kernel.depth <= few) {
    return multiply_runs(x, product, panels, tile, targets);
  }
  return multiply_in_place(x, product, panels, tile, targets, rows_per_task(tile.rows, depth * kernel.columns));
}

}  // namespace

template <class T>
void gather_multiply(const CpuStream& stream, const Tensor& x, const std::vector<GatherProduct<T>>& products,
                     Tensor& y) {
  std::vector<Tasks> all;
  int64_t most = 0, depth = 0;  // the same depth for all makes their tasks cover the same pixels
  for (const GatherProduct<T>& product : products) depth = std::max(depth, product.kernel.rows());
  for (const GatherProduct<T>& product : products) {
    all.push_back(tasks_for(stream, x, product, y, depth));
    most = std::max(most, all.back().count);
  }
  const int64_t count = static_cast<int64_t>(all.size());
  parallel_for(stream, most * count, 1, [&](int64_t index, int64_t) {
    const Tasks& tasks = all[static_cast<size_t>(index % count)];
    if (index / count < tasks.count) tasks.run(index / count);
  });
}

template struct Stack<float>;
template struct Stack<double>;
template void gather_multiply<float>(const CpuStream&, const Tensor&, const std::vector<GatherProduct<float>>&,
                                     Tensor&);
template void gather_multiply<double>(const CpuStream&, const Tensor&, const std::vector<GatherProduct<double>>&,
                                      Tensor&);

}  // namespace lacuna::kernels::direct
