#include <algorithm>
#include <vector>

#include "ops/conv2d/gather.h"
#include "ops/conv2d/reduced.h"
#include "ops/conv2d/reduced_bands.h"
#include "ops/matmul/bf16.h"

namespace lacuna::kernels::reduced {
namespace {

// dw is computed transposed, as products whose rows are the channels of g, whose columns are those of x, and whose sum
// runs over positions of the output. The left operand is g transposed. The right one has neighbouring positions of x
// side by side, and a tap is a shift along them: by whole pairs where it is even, so there is a second copy for odd
// ones. Where channels are few, all under a row of taps, neighbours in memory, are columns of one product.

/// A packed copy of x: position q of a row is column q * stride + offset of the padded picture.
struct Copy {
  int64_t offset;
  AxisGather source;
};

/// What one product computes: columns of dw's (kw * Ci) from `column` on, out of a copy's positions from `shift` on.
struct Segment {
  int64_t column;
  size_t copy;
  int64_t shift;
};

/// How rows of x are packed.
struct Layout {
  Layout(int64_t in, const Conv2dAxis& axis, int64_t taps, int64_t channels, const Conv2dOptions& options,
         const Unit& unit)
      : run(round_up(axis.out, unit.depth_block)), filled(axis.out) {
    const int64_t stride = options.stride;
    const PadMode mode = pad_mode(options.padding);
    if (channels <= 8 && (options.dilation == 1 || taps == 1)) {
      columns = taps * channels;
      step = stride;
      copies.push_back({0, axis_gather(in, (axis.out - 1) * stride + taps, 1, {-axis.before}, mode)});
      segments.push_back({0, 0, 0});
    } else {
      columns = channels;
      for (int64_t s = 0; s < taps; ++s) {
        const int64_t position = s * options.dilation, shift = position / stride / 2 * 2;
        const int64_t offset = position - shift * stride;
        size_t copy = 0;
        while (copy < copies.size() && copies[copy].offset != offset) ++copy;
        if (copy == copies.size()) copies.push_back({offset, {}});
        segments.push_back({s * channels, copy, shift});
        filled = std::max(filled, axis.out + shift);
      }
      for (Copy& copy : copies) copy.source = axis_gather(in, filled, stride, {copy.offset - axis.before}, mode);
    }
    length = round_up(run + filled - axis.out, 2);
  }

  int64_t run;         ///< positions that a product sums over in a row: those of the output, then zeros
  int64_t filled;      ///< positions of a copy's row that hold something; zeros follow
  int64_t length = 0;  ///< of a copy's row; even
  int64_t columns;     ///< of the right operand
  int64_t step = 0;    ///< pixels from a position to the next where a position is a whole row of taps, otherwise 0
  std::vector<Copy> copies;
  std::vector<Segment> segments;
};

class WeightGradient {
 public:
  WeightGradient(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options, Tensor& dw)
      : unit_(*unit_for(stream, false)),
        split_(stream.precision == Precision::high),
        options_(options),
        x_(x),
        g_(g),
        dw_(dw),
        taps_(dw.dim(0)),
        channels_(dw.dim(2)),
        out_channels_(dw.dim(3)),
        width_(dw.dim(1) * channels_),
        rows_(conv2d_axis(x.dim(1), taps_, options)),
        layout_(x.dim(2), conv2d_axis(x.dim(2), dw.dim(1), options), dw.dim(1), channels_, options, unit_),
        // The gap keeps long rows from falling into the same sets of the cache.
        left_step_(layout_.run + (layout_.run >= 512 ? 32 : 0)),
        block_(layout_.step ? layout_.columns : std::min<int64_t>(layout_.columns, 64)),
        blocks_((layout_.columns + block_ - 1) / block_),
        bands_(x.dim(0), rows_.out, taps_ - 1, options.stride, options.dilation, row_bytes()),
        zeros_(static_cast<size_t>(layout_.columns), 0.0f) {}

  /// Neither bands nor parts depend on the number of threads, so that the order of summation does not.
  void run(const CpuStream& stream) const {
    constexpr int64_t tasks = 16, most_bytes = int64_t{1} << 24;
    const int64_t affordable = std::max<int64_t>(most_bytes / dw_.nbytes(), 1);
    const int64_t parts = std::clamp<int64_t>(std::min(tasks / blocks_, affordable), 1, bands_.count);
    Tensor sums({parts, out_channels_, taps_ * width_}, DType::f32);
    parallel_for(stream, parts * blocks_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t part = task / blocks_;
        sum_bands(part * bands_.count / parts, (part + 1) * bands_.count / parts, task % blocks_ * block_,
                  sums.data<float>() + part * out_channels_ * taps_ * width_);
      }
    });
    add_parts(stream, sums);
  }

 private:
  /// Packed operands of a band.
  struct Operands {
    Tensor left, right;
    int64_t left_low, right_low, copy_size;  ///< elements from hi to lo, from a copy to the next
    std::vector<const float*> positions;
    std::vector<float> padded;
  };

  int64_t row_bytes() const {
    const int64_t right = static_cast<int64_t>(layout_.copies.size()) * options_.stride * layout_.length;
    return 2 * (split_ ? 2 : 1) * (out_channels_ * left_step_ + right_size(right, block_));
  }

  /// sums (Co, kh * kw * Ci) = over some bands, in the columns of x's channels [first, first + block).
  void sum_bands(int64_t begin, int64_t end, int64_t first, float* sums) const {
    const int64_t columns = std::min(block_, layout_.columns - first), terms = split_ ? 2 : 1;
    const int64_t panel_rows = bands_.source_rows(bands_.height) * layout_.length;
    Operands packed;
    packed.left_low = round_up((bands_.height * out_channels_ + unit_.row_block) * left_step_, 64);
    packed.copy_size = right_size(panel_rows, columns);
    packed.right_low = packed.copy_size * static_cast<int64_t>(layout_.copies.size());
    packed.left = Tensor({packed.left_low * terms}, DType::bf16);
    packed.right = Tensor({packed.right_low * terms}, DType::bf16);
    std::vector<int64_t> offsets;
    for (int64_t i = 0; i < bands_.height; ++i) offsets.push_back(i * out_channels_ * left_step_);
    for (int64_t index = begin; index < end; ++index) {
      const Band band = bands_.band(index);
      for (int64_t i = 0; i < band.count; ++i) pack_left(band.image, bands_.output_row(band, i), i, packed);
      for (int64_t r = 0; r < bands_.source_rows(band.count); ++r) {
        const int64_t row = bands_.source_row(band, r) - rows_.before;
        pack_right(band.image, padded_source(row, rows_.in, pad_mode(options_.padding)), first, columns, panel_rows,
                   r * layout_.length, packed);
      }
      for (int64_t t = 0; t < taps_; ++t) {
        for (const Segment& s : layout_.segments) {
          const Strip strip{packed.left.data<bf16>(), sums + t * width_ + s.column + first, out_channels_};
          unit_.multiply({.left_step = left_step_,
                          .left_low = packed.left_low,
                          .offsets = offsets.data(),
                          .runs = band.count,
                          .depth = layout_.run,
                          .right = packed.right.data<bf16>() + static_cast<int64_t>(s.copy) * packed.copy_size,
                          .right_low = packed.right_low,
                          .right_row = t * bands_.tap_step * layout_.length + s.shift,
                          .right_run = options_.stride * layout_.length,
                          .panel_step = panel_columns * panel_rows,
                          .columns = columns,
                          .split = split_,
                          .out_step = taps_ * width_,
                          .finish = {.add = index > begin}},
                         &strip, 1);
        }
      }
    }
  }

  /// Run i of the left operand: a row of g transposed.
  void pack_left(int64_t image, int64_t row, int64_t i, Operands& packed) const {
    const int64_t columns = g_.dim(2);
    const float* source = g_.data<float>() + (image * g_.dim(1) + row) * columns * out_channels_;
    packed.positions.clear();
    for (int64_t q = 0; q < columns; ++q) packed.positions.push_back(source + q * out_channels_);
    bf16* hi = packed.left.data<bf16>() + i * out_channels_ * left_step_;
    transpose(packed.positions.data(), columns, out_channels_, layout_.run, left_step_, hi,
              split_ ? hi + packed.left_low : nullptr);
  }

  /// A row of x (-1: zeros) as rows of the right operand's copies, from row `at` of `panel_rows` on.
  void pack_right(int64_t image, int64_t row, int64_t first, int64_t columns, int64_t panel_rows, int64_t at,
                  Operands& packed) const {
    const float* source = row < 0 ? nullptr : x_.data<float>() + (image * x_.dim(1) + row) * x_.dim(2) * channels_;
    const auto pixel = [&](int64_t column) {
      return !source || column < 0 ? zeros_.data() : source + column * channels_ + first;
    };
    for (size_t c = 0; c < layout_.copies.size(); ++c) {
      const std::vector<int64_t>& sources = layout_.copies[c].source.source;
      packed.positions.assign(static_cast<size_t>(layout_.length), zeros_.data());
      if (layout_.step) {
        packed.padded.resize(sources.size() * static_cast<size_t>(channels_));
        for (size_t p = 0; p < sources.size(); ++p) {
          std::copy_n(pixel(sources[p]), channels_, packed.padded.data() + static_cast<int64_t>(p) * channels_);
        }
        for (int64_t q = 0; q < layout_.filled; ++q) {
          packed.positions[static_cast<size_t>(q)] = packed.padded.data() + q * layout_.step * channels_;
        }
      } else {
        for (size_t q = 0; q < sources.size(); ++q) packed.positions[q] = pixel(sources[q]);
      }
      bf16* copy = packed.right.data<bf16>() + static_cast<int64_t>(c) * packed.copy_size;
      for (int64_t column = 0; column < columns; column += panel_columns) {
        const int64_t valid = std::min(panel_columns, columns - column), width = round_up(valid, 16);
        bf16* hi = copy + column * panel_rows + at * width;
        for (size_t q = 0; q < packed.positions.size(); q += 2, hi += 2 * width) {
          interleave(packed.positions[q] + column, packed.positions[q + 1] + column, valid, width, hi,
                     split_ ? hi + packed.right_low : nullptr);
        }
      }
    }
  }

  /// dw = the parts' sums, transposed.
  void add_parts(const CpuStream& stream, const Tensor& sums) const {
    constexpr int64_t block = 64;
    const int64_t parts = sums.dim(0), depth = taps_ * width_;
    parallel_for(stream, (depth + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
      float total[block];
      for (int64_t b = begin; b < end; ++b) {
        const int64_t count = std::min(block, depth - b * block);
        float* out = dw_.data<float>() + b * block * out_channels_;
        for (int64_t o = 0; o < out_channels_; ++o) {
          std::fill_n(total, block, 0.0f);
          for (int64_t part = 0; part < parts; ++part) {
            const float* sum = sums.data<float>() + (part * out_channels_ + o) * depth + b * block;
            for (int64_t k = 0; k < count; ++k) total[k] += sum[k];
          }
          for (int64_t k = 0; k < count; ++k) out[k * out_channels_ + o] = total[k];
        }
      }
    });
  }

  const Unit& unit_;
  bool split_;
  const Conv2dOptions& options_;
  const Tensor &x_, &g_;
  Tensor& dw_;
  int64_t taps_, channels_, out_channels_, width_;  ///< taps: rows of the kernel; width: kw * Ci
  Conv2dAxis rows_;
  Layout layout_;
  int64_t left_step_, block_, blocks_;  ///< block: columns of the right operand that a task packs
  Bands bands_;
  std::vector<float> zeros_;
};

}  // namespace

void conv2d_weight(const CpuStream& stream, const Tensor& x, const Tensor& g, const Conv2dOptions& options,
                   Tensor& dw) {
  WeightGradient(stream, x, g, options, dw).run(stream);
}

}  // namespace lacuna::kernels::reduced
