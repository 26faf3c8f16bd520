#include "ops/conv2d/direct.h"
#include "ops/conv2d/reads.h"
#include "ops/matmul/tile.h"

namespace lacuna::kernels::direct {
namespace {

/// How the sums over positions of products x(c) g(o) are laid out in tiles. A run is what is multiplied under one of
/// `taps`: a pixel's channels, or those of all neighbouring pixels under a row of taps.
struct Plan {
  bool runs;     ///< a run is a row of taps
  bool swapped;  ///< the tiles' columns are the run and their rows the channels of g, instead of the reverse
  int64_t taps, run;
  int64_t rows, columns;    ///< of a tap's sums, as laid out
  int64_t groups, at_once;  ///< of rows, and how many rows a group has at most
  int64_t vectors, panels, width;
  Blocks blocks;   ///< of positions
  int64_t splits;  ///< of the blocks; each has sums of its own
  int64_t shares;  ///< of the groups

  /// Whether the copies of x hold all channels of a pixel, instead of those of a group.
  bool whole_pixels() const { return runs || swapped; }
};

template <class T>
Plan plan_for(const Reads& rows, const Reads& columns, int64_t ci, int64_t co, int64_t images) {
  constexpr int64_t strip = 64, few = 8, least_tasks = 16, most_sums = int64_t{1} << 20;
  const TileLevel<T>& level = tile_level<T>();
  const auto full = [](int64_t n, int64_t width) {
    return static_cast<double>(n) / static_cast<double>((n + width - 1) / width * width);
  };
  Plan plan{};
  const bool consecutive = columns.taps() > 1 && columns.consecutive();
  const int64_t row_run = consecutive ? columns.taps() * ci : ci;
  // A tile of one vector's width is bound by its loads.
  plan.swapped = co <= level.lanes && full(row_run, 3 * level.lanes) > 0.8 * full(co, level.lanes);
  plan.runs = consecutive && (plan.swapped || ci <= few);
  plan.run = plan.runs ? row_run : ci;
  plan.taps = rows.taps() * (plan.runs ? 1 : columns.taps());
  plan.vectors = plan.swapped ? 3 : co <= level.lanes ? 1 : 2;
  plan.rows = plan.swapped ? co : plan.run;
  plan.columns = plan.swapped ? plan.run : co;
  plan.width = plan.vectors * level.lanes;
  plan.panels = (plan.columns + plan.width - 1) / plan.width;
  const int64_t most = level.outer_rows(plan.vectors);
  plan.groups = (plan.rows + most - 1) / most;
  plan.at_once = (plan.rows + plan.groups - 1) / plan.groups;
  const int64_t sums = plan.taps * plan.rows * plan.panels * plan.width;
  const int64_t strip_columns = std::min(strip, columns.out), positions = plan.whole_pixels() ? 256 : 128;
  plan.blocks = {images * rows.out, columns.out, std::max<int64_t>(positions / strip_columns, 1), strip_columns};
  // Rather blocks than groups apart, as then x and g are read once; but few enough to add up quickly.
  plan.splits = std::max<int64_t>(std::min({least_tasks, most_sums / sums, plan.blocks.count()}), 1);
  plan.shares = std::min(plan.groups, (least_tasks + plan.splits - 1) / plan.splits);
  return plan;
}

/// One thread's work: sums += the products over a block, for some groups of rows.
template <class T>
class Products {
 public:
  Products(const Plan& plan, const Tensor& x, const Tensor& g, const Reads& rows, const Reads& columns)
      : plan_(plan), x_(x), g_(g), rows_(rows), columns_(columns) {}

  void add(const Block& block, int64_t first_group, int64_t last_group, T* sums) {
    const int64_t channels = g_.dim(3);
    const T* g = g_.data<T>() + (block.row * columns_.out + block.column) * channels;
    place_g(block, g);
    place_x(block);
    const bool whole = plan_.whole_pixels();
    if (whole) copy_x(block, 0, x_.dim(3));
    for (int64_t group = first_group; group < last_group; ++group) {
      const int64_t first = group * plan_.at_once, count = std::min(plan_.at_once, plan_.rows - first);
      if (!whole) copy_x(block, first, count);
      multiply(block, first, count, g, sums);
    }
  }

 private:
  int64_t x_step() const { return plan_.whole_pixels() ? x_.dim(3) : plan_.at_once; }

  /// g as panels, unless it is one as it is.
  void place_g(const Block& block, const T* g) {
    const int64_t channels = g_.dim(3), positions = block.rows * block.columns, pitch = columns_.out * channels;
    in_place_ = plan_.swapped || (plan_.panels == 1 && channels == plan_.width);
    if (block.rows != placed_rows_ || block.columns != placed_columns_) {
      g_offsets_.clear();
      for (int64_t q = 0; q < block.rows; ++q) {
        for (int64_t j = 0; j < block.columns; ++j) {
          const int64_t p = q * block.columns + j;
          g_offsets_.push_back(static_cast<int32_t>(in_place_ ? q * pitch + j * channels : p * plan_.width));
        }
      }
    }
    if (in_place_) return;
    g_panels_.resize(static_cast<size_t>(plan_.panels * positions * plan_.width));
    for (int64_t panel = 0; panel < plan_.panels; ++panel) {
      const int64_t first = panel * plan_.width, valid = std::min(plan_.width, channels - first);
      T* to = g_panels_.data() + panel * positions * plan_.width;
      for (int64_t q = 0; q < block.rows; ++q) {
        const T* from = g + q * pitch + first;
        if (valid == plan_.width) {
          tile_level<T>().copy(from, channels, block.columns, valid, to, valid);
          to += block.columns * valid;
          continue;
        }
        for (int64_t j = 0; j < block.columns; ++j, from += channels, to += plan_.width) {
          std::copy_n(from, valid, to);
          std::fill_n(to + valid, plan_.width - valid, T{0});
        }
      }
    }
  }

  /// Where each position finds its pixel under each tap in the copies of x; mostly as in the block before.
  void place_x(const Block& block) {
    RowsRead read(rows_, block);
    const int64_t extent = columns_.extent(block.columns), column_taps = plan_.runs ? 1 : columns_.taps();
    sources_ = std::move(read.sources);
    if (block.rows == placed_rows_ && block.columns == placed_columns_ && read.place == place_) return;
    placed_rows_ = block.rows, placed_columns_ = block.columns;
    place_ = std::move(read.place);
    x_offsets_.clear();
    for (int64_t r = 0; r < rows_.taps(); ++r) {
      for (int64_t s = 0; s < column_taps; ++s) {
        const int64_t shift = columns_.offsets[s] - columns_.offsets[0];
        for (int64_t q = 0; q < block.rows; ++q) {
          const int64_t row = place_[r * block.rows + q] * extent + shift;
          for (int64_t j = 0; j < block.columns; ++j) {
            x_offsets_.push_back(static_cast<int32_t>((row + j * columns_.stride) * x_step()));
          }
        }
      }
    }
    x_copy_.resize(static_cast<size_t>(static_cast<int64_t>(sources_.size()) * extent * x_step() +
                                       plan_.panels * plan_.width + copy_slack));
  }

  void copy_x(const Block& block, int64_t first, int64_t count) {
    const int64_t channels = x_.dim(3), row_size = x_.dim(2) * channels, extent = columns_.extent(block.columns);
    const int64_t begin = block.column * columns_.stride + columns_.offsets[0];
    const T* x = x_.data<T>();
    T* to = x_copy_.data();
    for (const int64_t source : sources_) {
      copy_pixels(columns_, source < 0 ? nullptr : x + source * row_size, channels, x + x_.numel(), begin, extent,
                  first, count, x_step(), to);
      to += extent * x_step();
    }
  }

  void multiply(const Block& block, int64_t first, int64_t count, const T* g, T* sums) {
    const OuterProducts<T> outer = tile_level<T>().outer[plan_.vectors][count];
    const int64_t positions = block.rows * block.columns, row = plan_.panels * plan_.width;
    for (int64_t panel = 0; panel < plan_.panels; ++panel) {
      const int64_t column = panel * plan_.width;
      for (int64_t tap = 0; tap < plan_.taps; ++tap) {
        T* to = sums + (tap * plan_.rows + first) * row + column;
        const int32_t* x_offsets = x_offsets_.data() + tap * positions;
        if (plan_.swapped) {
          outer(positions, g + first, g_offsets_.data(), x_copy_.data() + column, x_offsets, to, row);
        } else {
          const T* g_panel = in_place_ ? g : g_panels_.data() + column * positions;
          outer(positions, x_copy_.data() + (plan_.whole_pixels() ? first : 0), x_offsets, g_panel, g_offsets_.data(),
                to, row);
        }
      }
    }
  }

  const Plan& plan_;
  const Tensor &x_, &g_;
  const Reads &rows_, &columns_;
  bool in_place_ = false;
  int64_t placed_rows_ = 0, placed_columns_ = 0;
  std::vector<int32_t> place_;
  std::vector<int64_t> sources_;
  std::vector<int32_t> g_offsets_, x_offsets_;
  std::vector<T> g_panels_, x_copy_;
};

/// dw = the splits' sums together.
template <class T>
void gather_sums(const CpuStream& stream, const Plan& plan, const T* sums, T* dw) {
  const int64_t row = plan.panels * plan.width, size = plan.taps * plan.rows * row;
  parallel_for(stream, plan.taps * plan.rows, rows_per_task(1, row * plan.splits), [&](int64_t begin, int64_t end) {
    std::vector<T> total(static_cast<size_t>(row));
    for (int64_t r = begin; r < end; ++r) {
      std::fill(total.begin(), total.end(), T{0});
      for (int64_t split = 0; split < plan.splits; ++split) {
        const T* part = sums + split * size + r * row;
        for (int64_t c = 0; c < plan.columns; ++c) total[c] += part[c];
      }
      if (plan.swapped) {
        T* to = dw + r / plan.rows * plan.run * plan.rows + r % plan.rows;
        for (int64_t c = 0; c < plan.columns; ++c) to[c * plan.rows] = total[c];
      } else {
        std::copy_n(total.data(), plan.columns, dw + r * plan.columns);
      }
    }
  });
}

}  // namespace

// Each task copies the pixels that it needs of a block of positions side by side, so that they stay in the first-level
// cache: where they lie, at powers of two from each other, they would drive each other out of it.
void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  const Reads rows = forward_reads(x.dim(1), dw.dim(0), options), columns = forward_reads(x.dim(2), dw.dim(1), options);
  visit_float(x.dtype(), "conv2d_weight", [&]<class T>(T) {
    const Plan plan = plan_for<T>(rows, columns, x.dim(3), g.dim(3), x.dim(0));
    const int64_t size = plan.taps * plan.rows * plan.panels * plan.width;
    const bool in_place = plan.splits == 1 && !plan.swapped && plan.panels * plan.width == plan.columns;
    Tensor parts;
    if (!in_place) parts = Tensor({plan.splits * size}, dtype_of<T>());
    T* sums = in_place ? dw.data<T>() : parts.data<T>();
    std::fill_n(sums, plan.splits * size, T{0});
    parallel_for(stream, plan.splits * plan.shares, 1, [&](int64_t index, int64_t) {
      const int64_t split = index / plan.shares, share = index % plan.shares;
      const int64_t first = plan.groups * share / plan.shares, last = plan.groups * (share + 1) / plan.shares;
      Products<T> products(plan, x, g, rows, columns);
      const int64_t blocks = plan.blocks.count(), end = blocks * (split + 1) / plan.splits;
      for (int64_t b = blocks * split / plan.splits; b < end; ++b) {
        products.add(Block(plan.blocks, b), first, last, sums + split * size);
      }
    });
    if (!in_place) gather_sums(stream, plan, sums, dw.data<T>());
  });
}

}  // namespace lacuna::kernels::direct
