#include <algorithm>
#include <vector>

#include "ops/conv2d/gather.h"
#include "ops/conv2d/reduced.h"
#include "ops/conv2d/reduced_bands.h"
#include "ops/matmul/bf16.h"

namespace lacuna::kernels::reduced {
namespace {

/// Rows of dw that are rows of one product: element (tap row, first + i) of dw, as (kh) x (kw * Ci), is multiplied from
/// row base / length + i of an input row's transposed copy.
struct Segment {
  int64_t first, rows, base;
};

/// Input rows transposed: for each input row, `groups` of the channels by `length` pixels. Position q of group u is
/// input column (padded) starts[u] + q * stride.
/// With few channels there is a group per tap column, so that the rows of all these taps lie side by side and fill the
/// unit's rows; with many, a group per column phase, in which a tap is a shift along the pixels.
struct Layout {
  Layout(const Conv2dAxis& columns, int64_t taps, int64_t channels, const Conv2dOptions& options, const Unit& unit) {
    const int64_t stride = options.stride;
    run = round_up(columns.out, unit.depth_block);
    if (channels <= 8) {
      for (int64_t s = 0; s < taps; ++s) starts.push_back(s * options.dilation);
      pixels = columns.out;
      length = run;
      segments.push_back({0, taps * channels, 0});
    } else {
      const int64_t phases = std::min(stride, (taps - 1) * options.dilation + 1);
      for (int64_t u = 0; u < phases; ++u) starts.push_back(u);
      const int64_t furthest = (taps - 1) * options.dilation / stride;
      pixels = columns.out + furthest;
      length = round_up(furthest + run, 2);
      for (int64_t s = 0; s < taps; ++s) {
        const int64_t shift = s * options.dilation;
        segments.push_back({s * channels, channels, shift % stride * channels * length + shift / stride});
      }
    }
    row_size = static_cast<int64_t>(starts.size()) * channels * length;
  }
  std::vector<int64_t> starts;
  int64_t pixels, length, run, row_size;  // run: of a product, in pixels
  std::vector<Segment> segments;
};

/// Input row `row` (-1: zeros) of an image, transposed.
void fill_row(const Tensor& x, int64_t image, int64_t row, const AxisGather& columns, const Layout& layout,
              const float* zeros, bf16* hi, int64_t low) {
  const int64_t channels = x.dim(3), size = channels * layout.length;
  if (row < 0) {
    std::fill(hi, hi + layout.row_size, bf16());
    if (low) std::fill(hi + low, hi + low + layout.row_size, bf16());
    return;
  }
  const float* source = x.data<float>() + (image * x.dim(1) + row) * x.dim(2) * channels;
  std::vector<const float*> pixels(static_cast<size_t>(layout.pixels));
  for (int64_t u = 0; u < columns.taps; ++u, hi += size) {
    for (int64_t q = 0; q < layout.pixels; ++q) {
      const int64_t column = columns.source[u * columns.out + q];
      pixels[q] = column < 0 ? zeros : source + column * channels;
    }
    transpose(pixels.data(), layout.pixels, channels, layout.length, layout.length, hi, low ? hi + low : nullptr);
  }
}

/// Rows of dw that a task owns, all from one segment.
struct Share {
  int64_t tap_row, first, rows, left;
};

/// Cuts dw's rows into tasks: of 64 rows, or of single blocks where that would be too few to share out.
std::vector<Share> shares(int64_t tap_rows, const Layout& layout, const Unit& unit) {
  const auto cut = [&](int64_t height) {
    std::vector<Share> all;
    for (int64_t r = 0; r < tap_rows; ++r) {
      for (const Segment& s : layout.segments) {
        const int64_t parts = (s.rows + height - 1) / height;
        for (int64_t part = 0; part < parts; ++part) {
          const int64_t begin = part * s.rows / parts, end = (part + 1) * s.rows / parts;
          all.push_back({r, s.first + begin, end - begin, s.base + begin * layout.length});
        }
      }
    }
    return all;
  };
  const std::vector<Share> large = cut(64 / unit.row_block * unit.row_block);
  return large.size() >= 16 ? large : cut(unit.row_block);
}

}  // namespace

// dw = the transposed input times g, summed over positions: a product whose runs are output rows. Both operands are
// packed band by band; a task owns some rows of dw, so the order of summation does not depend on the threads.
void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  const Unit& unit = *unit_for(stream, false);
  const bool split = stream.precision == Precision::high;
  const int64_t terms = split ? 2 : 1, stride = options.stride;
  const int64_t kh = dw.dim(0), kw = dw.dim(1), channels = dw.dim(2), out_channels = dw.dim(3);
  const Conv2dAxis rows = conv2d_axis(x.dim(1), kh, options), columns = conv2d_axis(x.dim(2), kw, options);
  const Layout layout(columns, kw, channels, options, unit);
  std::vector<int64_t> offsets = layout.starts;
  for (int64_t& o : offsets) o -= columns.before;
  const AxisGather gather = axis_gather(columns.in, layout.pixels, stride, offsets, pad_mode(options.padding));
  const std::vector<float> zeros(static_cast<size_t>(channels), 0.0f);
  const std::vector<Share> tasks = shares(kh, layout, unit);
  std::fill_n(dw.data<float>(), dw.numel(), 0.0f);

  const int64_t halo = std::max<int64_t>((kh - 1) * options.dilation + 1 - stride, 0);
  const int64_t row_bytes = 2 * terms * (layout.row_size + right_size(layout.run, out_channels) / stride);
  for_each_band(x.dim(0), rows.out, stride, halo, row_bytes, [&](const Band& band) {
    const int64_t height = (band.rows - 1) * stride + (kh - 1) * options.dilation + 1;
    const int64_t used = band.images * height * layout.row_size;
    const int64_t plane = used + round_up(unit.row_block * layout.length + unit.depth_block, 64);
    const int64_t runs = band.images * band.rows, size = right_size(runs * layout.run, out_channels);
    Tensor left_storage({terms * plane}, DType::bf16), right_storage({terms * size}, DType::bf16);
    bf16* left = left_storage.data<bf16>();
    bf16* right = right_storage.data<bf16>();
    const int64_t low = split ? plane : 0;
    parallel_for(stream, band.images * height, std::max<int64_t>(1, (1 << 15) / layout.row_size),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t q = begin; q < end; ++q) {
                     const int64_t position = band.first_row * stride + q % height - rows.before;
                     fill_row(x, band.first_image + q / height,
                              padded_source(position, rows.in, pad_mode(options.padding)), gather, layout, zeros.data(),
                              left + q * layout.row_size, low);
                   }
                 });
    for (int64_t start = 0; start <= low; start += plane) std::fill(left + start + used, left + start + plane, bf16());
    // A band is whole images or lies in one, so its rows of g follow each other.
    pack_right(stream, g.data<float>() + (band.first_image * rows.out + band.first_row) * columns.out * out_channels,
               runs, columns.out, layout.run, out_channels, out_channels, right, split ? right + size : nullptr);

    std::vector<int64_t> run_offsets;
    for (int64_t n = 0; n < band.images; ++n) {
      for (int64_t i = 0; i < band.rows; ++i) run_offsets.push_back((n * height + i * stride) * layout.row_size);
    }
    // Some runs at a time, whose right operand stays in the cache for all of a task's rows.
    const int64_t runs_at_once = std::max<int64_t>(1, 1024 / layout.run);
    parallel_for(stream, static_cast<int64_t>(tasks.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t first = 0; first < runs; first += runs_at_once) {
        const Product product{.left_step = layout.length,
                              .left_low = plane,
                              .offsets = run_offsets.data() + first,
                              .runs = std::min(runs_at_once, runs - first),
                              .depth = layout.run,
                              .right = right,
                              .right_low = size,
                              .right_row = first * layout.run,
                              .panel_step = panel_columns * runs * layout.run,
                              .columns = out_channels,
                              .split = split,
                              .out_step = out_channels,
                              .finish = {.add = true}};
        for (int64_t t = begin; t < end; ++t) {
          const Share& share = tasks[static_cast<size_t>(t)];
          const Strip strip{left + share.tap_row * options.dilation * layout.row_size + share.left,
                            dw.data<float>() + (share.tap_row * kw * channels + share.first) * out_channels,
                            share.rows};
          unit.multiply(product, &strip, 1);
        }
      }
    });
  });
}

}  // namespace lacuna::kernels::reduced
