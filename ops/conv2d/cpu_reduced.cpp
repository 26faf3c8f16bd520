#include <algorithm>
#include <numeric>
#include <vector>

#include "ops/conv2d/gather.h"
#include "ops/conv2d/reduced.h"
#include "ops/conv2d/reduced_bands.h"
#include "ops/matmul/bf16.h"

namespace lacuna::kernels::reduced {

bool possible(const CpuStream& stream, DType dtype) { return dtype == DType::f32 && unit_for(stream, false); }

// Measured for the dot unit. By tiles, one product or three, every layer of the networks is faster than by filtering.
double cost(const CpuStream& stream, DType dtype) {
  const Unit* unit = dtype == DType::f32 ? unit_for(stream, true) : nullptr;
  if (!unit) return 1;
  return unit == &dot_unit ? 0.5 : 0.2;
}

namespace {

/// One axis of the padded copy of a picture, a plane: position q holds the picture's q - before.
struct PlaneAxis {
  int64_t in, before, length;
};

/// A convolution over a plane, whose output goes to positions (row_first + i * spacing, column_first + j * spacing).
/// Tap t of output position o reads plane position o * step + starts[t].
struct Stage {
  std::vector<int64_t> row_starts, column_starts;
  int64_t row_first, column_first, rows, columns;
  Tensor right;
};

/// Stages over one plane.
struct Sweep {
  const Tensor& source;
  PlaneAxis rows, columns;
  PadMode mode;
  int64_t step, spacing;
  std::vector<Stage> stages;
  Finish finish;
};

/// Whether taps are neighbours, and so can be multiplied as one stretch of columns * channels elements.
bool contiguous(const std::vector<int64_t>& starts) {
  for (size_t t = 1; t < starts.size(); ++t) {
    if (starts[t] != starts[t - 1] + 1) return false;
  }
  return true;
}

/// The runs of a stage's products: how many, and how many elements each.
struct Runs {
  Runs(const Stage& stage, int64_t channels, const Unit& unit) {
    const int64_t taps = static_cast<int64_t>(stage.column_starts.size());
    const bool merged = contiguous(stage.column_starts);
    depth = channels * (merged ? taps : 1);
    count = static_cast<int64_t>(stage.row_starts.size()) * (merged || taps == 0 ? std::min<int64_t>(taps, 1) : taps);
    padded = round_up(depth, unit.depth_block);
  }
  int64_t count, depth, padded;
};

/// The stage's kernels, (taps * channels x out_channels) in the order of its starts, packed.
void pack_kernels(const CpuStream& stream, const Unit& unit, const float* stacked, int64_t channels,
                  int64_t out_channels, bool split, Stage& stage) {
  const Runs runs(stage, channels, unit);
  const int64_t size = right_size(runs.count * runs.padded, out_channels);
  stage.right = Tensor({std::max<int64_t>(size, 1) * (split ? 2 : 1)}, DType::bf16);
  bf16* right = stage.right.data<bf16>();
  pack_right(stream, stacked, runs.count, runs.depth, runs.padded, out_channels, out_channels, right,
             split ? right + size : nullptr);
}

/// Plane row q of an image, to `hi` and, where `low` is not 0, that many elements behind.
void fill_plane_row(const Sweep& sweep, int64_t image, int64_t q, bf16* hi, int64_t low) {
  const int64_t channels = sweep.source.dim(3), length = sweep.columns.length;
  const int64_t row = padded_source(q - sweep.rows.before, sweep.rows.in, sweep.mode);
  const auto zeros = [&](int64_t begin, int64_t end) {
    std::fill(hi + begin * channels, hi + end * channels, bf16());
    if (low) std::fill(hi + low + begin * channels, hi + low + end * channels, bf16());
  };
  if (row < 0) return zeros(0, length);
  const float* source = sweep.source.data<float>() + (image * sweep.rows.in + row) * sweep.columns.in * channels;
  const auto copy = [&](int64_t begin, int64_t from, int64_t count) {
    bf16* to = hi + begin * channels;
    convert(source + from * channels, count * channels, to, low ? to + low : nullptr);
  };
  const int64_t left = std::min(sweep.columns.before, length), right = std::min(left + sweep.columns.in, length);
  if (sweep.mode == PadMode::zero) {
    zeros(0, left);
    zeros(right, length);
  } else {
    const auto mirror = [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        copy(p, padded_source(p - sweep.columns.before, sweep.columns.in, sweep.mode), 1);
      }
    };
    mirror(0, left);
    mirror(right, length);
  }
  copy(left, 0, right - left);
}

/// Cuts a sweep into bands, few enough rows each to keep all threads busy.
Bands bands_of(const CpuStream& stream, const Sweep& sweep, int64_t images) {
  int64_t rows = 0, common = 0, furthest = 0;
  for (const Stage& s : sweep.stages) {
    rows = std::max(rows, s.rows);
    for (const int64_t start : s.row_starts) {
      common = std::gcd(common, start);
      furthest = std::max(furthest, start);
    }
  }
  const int64_t dilation = sweep.step == 1 ? std::max<int64_t>(common, 1) : 1;
  const int64_t terms = stream.precision == Precision::high ? 2 : 1, tasks = 4 * stream.threads;
  return {images,
          rows,
          furthest / dilation,
          sweep.step,
          dilation,
          2 * terms * sweep.step * sweep.columns.length * sweep.source.dim(3),
          (images * rows + tasks - 1) / tasks};
}

void run_band(const CpuStream& stream, const Unit& unit, const Sweep& sweep, const Bands& bands, const Band& band,
              Tensor& out) {
  const bool split = stream.precision == Precision::high;
  const int64_t channels = sweep.source.dim(3), row_size = sweep.columns.length * channels;
  const int64_t plane_rows = bands.source_rows(band.count);
  // Whole row blocks and whole runs may be read beyond the last pixel; what a zero is multiplied with must be a number.
  const int64_t used = plane_rows * row_size;
  const int64_t plane = used + round_up(unit.depth_block + unit.row_block * sweep.step * channels, 64);
  Tensor storage({plane * (split ? 2 : 1)}, DType::bf16);
  bf16* hi = storage.data<bf16>();
  const int64_t low = split ? plane : 0;
  for (int64_t r = 0; r < plane_rows; ++r) {
    fill_plane_row(sweep, band.image, bands.source_row(band, r), hi + r * row_size, low);
  }
  for (int64_t start = 0; start <= low; start += plane) std::fill(hi + start + used, hi + start + plane, bf16());

  const int64_t out_channels = out.dim(3);
  std::vector<int64_t> offsets;
  std::vector<Strip> strips;
  for (const Stage& stage : sweep.stages) {
    const Runs runs(stage, channels, unit);
    offsets.clear();
    const int64_t per_row = stage.row_starts.empty() ? 0 : runs.count / static_cast<int64_t>(stage.row_starts.size());
    for (const int64_t r : stage.row_starts) {
      for (int64_t t = 0; t < per_row; ++t) {
        offsets.push_back(r / bands.classes * row_size + stage.column_starts[t] * channels);
      }
    }
    const int64_t depth = runs.count * runs.padded;
    strips.clear();
    for (int64_t i = 0; i < band.count; ++i) {
      const int64_t row = bands.output_row(band, i);
      if (row >= stage.rows) break;
      const int64_t y = stage.row_first + row * sweep.spacing;
      strips.push_back(
          {hi + i * sweep.step * row_size,
           out.data<float>() + ((band.image * out.dim(1) + y) * out.dim(2) + stage.column_first) * out_channels,
           stage.columns});
    }
    unit.multiply({.left_step = sweep.step * channels,
                   .left_low = plane,
                   .offsets = offsets.data(),
                   .runs = runs.count,
                   .depth = runs.padded,
                   .right = stage.right.data<bf16>(),
                   .right_low = right_size(depth, out_channels),
                   .right_row = 0,
                   .right_run = runs.padded,
                   .panel_step = panel_columns * depth,
                   .columns = out_channels,
                   .split = split,
                   .out_step = sweep.spacing * out_channels,
                   .finish = sweep.finish},
                  strips.data(), static_cast<int64_t>(strips.size()));
  }
}

void run_sweep(const CpuStream& stream, const Unit& unit, const Sweep& sweep, Tensor& out) {
  const Bands bands = bands_of(stream, sweep, out.dim(0));
  parallel_for(stream, bands.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      run_band(stream, unit, sweep, bands, bands.band(index), out);
    }
  });
}

std::vector<int64_t> spread(int64_t taps, int64_t dilation) {
  std::vector<int64_t> starts;
  for (int64_t t = 0; t < taps; ++t) starts.push_back(t * dilation);
  return starts;
}

Finish finish_of(const Tensor& b, const Activation& activation) {
  using Kind = Activation::Kind;
  Finish finish{.bias = b.defined() ? b.data<float>() : nullptr};
  if (activation.kind == Kind::elu) finish.curve = Finish::Curve::elu;
  if (activation.kind == Kind::clip) finish.curve = Finish::Curve::clip;
  if (activation.kind == Kind::relu || activation.kind == Kind::leaky_relu) finish.curve = Finish::Curve::leaky;
  if (activation.kind == Kind::leaky_relu) finish.slope = static_cast<float>(activation.slope);
  return finish;
}

/// The taps by which the cotangent reaches input positions phase, phase + stride, ...: position phase + stride * o is
/// reached from o + offset by `tap`. Ascending in offset.
struct Reach {
  int64_t tap, offset;
};
std::vector<Reach> reaching(int64_t phase, int64_t taps, int64_t before, const Conv2dOptions& options) {
  std::vector<Reach> all;
  for (int64_t t = taps - 1; t >= 0; --t) {
    const int64_t distance = phase + before - t * options.dilation;
    if (distance % options.stride == 0) all.push_back({t, distance / options.stride});
  }
  return all;
}

/// All phases of an axis, the plane that they share, and how many positions each phase has.
struct PhaseAxis {
  PhaseAxis(const Conv2dAxis& axis, int64_t taps, const Conv2dOptions& options) {
    int64_t lowest = 0, highest = 0;
    for (int64_t phase = 0; phase < std::min(options.stride, axis.in); ++phase) {
      phases.push_back(reaching(phase, taps, axis.before, options));
      counts.push_back((axis.in - phase + options.stride - 1) / options.stride);
      for (const Reach& r : phases.back()) {
        lowest = std::min(lowest, r.offset);
        highest = std::max(highest, r.offset + counts.back() - 1);
      }
    }
    plane = {axis.out, -lowest, highest - lowest + 1};
  }
  std::vector<int64_t> starts(size_t phase) const {
    std::vector<int64_t> all;
    for (const Reach& r : phases[phase]) all.push_back(r.offset + plane.before);
    return all;
  }
  std::vector<std::vector<Reach>> phases;
  std::vector<int64_t> counts;
  PlaneAxis plane;
};

}  // namespace

void conv2d(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
            const Activation& activation, Tensor& y) {
  const Unit& unit = *unit_for(stream, false);
  const int64_t kh = w.dim(0), kw = w.dim(1);
  const Conv2dAxis rows = conv2d_axis(x.dim(1), kh, options), columns = conv2d_axis(x.dim(2), kw, options);
  const auto plane = [&](const Conv2dAxis& axis, int64_t taps) {
    return PlaneAxis{axis.in, axis.before, (axis.out - 1) * options.stride + (taps - 1) * options.dilation + 1};
  };
  Sweep sweep{.source = x,
              .rows = plane(rows, kh),
              .columns = plane(columns, kw),
              .mode = pad_mode(options.padding),
              .step = options.stride,
              .spacing = 1,
              .stages = {},
              .finish = finish_of(b, activation)};
  sweep.stages.push_back({spread(kh, options.dilation), spread(kw, options.dilation), 0, 0, rows.out, columns.out, {}});
  pack_kernels(stream, unit, w.data<float>(), w.dim(2), w.dim(3), stream.precision == Precision::high, sweep.stages[0]);
  run_sweep(stream, unit, sweep, y);
}

// In stride * stride phases, as in the direct way: a phase is a convolution of stride 1 over the padded g, with those
// kernels, transposed, that reach it.
void conv2d_input(const CpuStream& stream, const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& dx) {
  const Unit& unit = *unit_for(stream, false);
  const int64_t kw = w.dim(1), ci = w.dim(2), co = w.dim(3);
  const PhaseAxis rows(conv2d_axis(dx.dim(1), w.dim(0), options), w.dim(0), options);
  const PhaseAxis columns(conv2d_axis(dx.dim(2), kw, options), kw, options);
  Sweep sweep{.source = g,
              .rows = rows.plane,
              .columns = columns.plane,
              .mode = PadMode::zero,
              .step = 1,
              .spacing = options.stride,
              .stages = {},
              .finish = {}};
  for (size_t i = 0; i < rows.phases.size(); ++i) {
    for (size_t j = 0; j < columns.phases.size(); ++j) {
      Stage stage{rows.starts(i),
                  columns.starts(j),
                  static_cast<int64_t>(i),
                  static_cast<int64_t>(j),
                  rows.counts[i],
                  columns.counts[j],
                  {}};
      std::vector<float> stacked;
      stacked.reserve(rows.phases[i].size() * columns.phases[j].size() * static_cast<size_t>(ci * co));
      for (const Reach& r : rows.phases[i]) {
        for (const Reach& s : columns.phases[j]) {
          const float* kernel = w.data<float>() + (r.tap * kw + s.tap) * ci * co;
          for (int64_t o = 0; o < co; ++o) {
            for (int64_t c = 0; c < ci; ++c) stacked.push_back(kernel[c * co + o]);
          }
        }
      }
      pack_kernels(stream, unit, stacked.data(), co, ci, stream.precision == Precision::high, stage);
      sweep.stages.push_back(std::move(stage));
    }
  }
  run_sweep(stream, unit, sweep, dx);
}

// Upsampled pixel p is pixel floor(p / 2) of x, so of the three taps of an even output position the first reads the
// pixel before and two read the one at hand, and of an odd one two that one and the third the next. Pixel -1 of the
// upsampled picture is zero or, in either way of mirroring, pixel 0 of x: symmetric padding of x gives that.
void conv2d_upsampled(const CpuStream& stream, const Tensor& x, const Tensor& w, const Tensor& b, Padding padding,
                      const Activation& activation, Tensor& y) {
  check(padding != Padding::valid, "[conv2d_upsampled] there is no way of valid padding");
  const Unit& unit = *unit_for(stream, false);
  const int64_t height = x.dim(1), width = x.dim(2), ci = w.dim(2), co = w.dim(3);
  Sweep sweep{.source = x,
              .rows = {height, 1, height + 2},
              .columns = {width, 1, width + 2},
              .mode = padding == Padding::same ? PadMode::zero : PadMode::symmetric,
              .step = 1,
              .spacing = 2,
              .stages = {},
              .finish = finish_of(b, activation)};
  const auto tap_of = [](int64_t parity, int64_t t) { return parity == 0 ? (t + 1) / 2 : t / 2; };
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t j = 0; j < 2; ++j) {
      std::vector<float> stacked(static_cast<size_t>(4 * ci * co), 0.0f);
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t s = 0; s < 3; ++s) {
          float* to = stacked.data() + (tap_of(i, r) * 2 + tap_of(j, s)) * ci * co;
          const float* from = w.data<float>() + (r * 3 + s) * ci * co;
          for (int64_t c = 0; c < ci * co; ++c) to[c] += from[c];
        }
      }
      Stage stage{{i, i + 1}, {j, j + 1}, i, j, height, width, {}};
      pack_kernels(stream, unit, stacked.data(), ci, co, stream.precision == Precision::high, stage);
      sweep.stages.push_back(std::move(stage));
    }
  }
  run_sweep(stream, unit, sweep, y);
}

}  // namespace lacuna::kernels::reduced
