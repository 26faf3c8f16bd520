#include "nets/strips.h"

#include <algorithm>
#include <utility>

#include "autograd/tape.h"
#include "ops/concat/concat.h"

namespace lacuna {
namespace {

struct Rows {
  int64_t begin, end;
};

int64_t floor_to(int64_t n, int64_t unit) { return (n >= 0 ? n : n - unit + 1) / unit * unit; }
int64_t ceil_to(int64_t n, int64_t unit) { return floor_to(n + unit - 1, unit); }

/// Rows of a layer's output that kernels compute together, as tiles of four in each phase: the rounding of one depends
/// on the input of all.
int64_t tile_rows(const ConvLayer& l) { return 4 * l.options.dilation * (l.upsample ? 2 : 1); }

/// The rows that enter the convolution of a layer with `height` rows of input, and those that leave it.
int64_t rows_in(const ConvLayer& l, int64_t height) { return l.upsample ? 2 * height : height; }
int64_t rows_out(const ConvLayer& l, int64_t height) {
  return (rows_in(l, height) + l.options.stride - 1) / l.options.stride;
}
int64_t rows_out(const ConvLayers& layers, int64_t height) {
  for (const ConvLayer& l : layers) height = rows_out(l, height);
  return height;
}

/// The rows of a layer's input that rows `out` of its output depend on, borders left aside.
Rows input_rows(const ConvLayer& l, Rows out, int64_t height) {
  const int64_t stride = l.options.stride, tile = tile_rows(l);
  const int64_t before = conv2d_axis(rows_in(l, height), l.kernel, l.options).before;
  const int64_t reach = (l.kernel - 1) * l.options.dilation;
  // A tile reads whole strides.
  Rows in{floor_to(out.begin, tile) * stride - before - (stride - 1),
          (ceil_to(out.end, tile) - 1) * stride - before + reach + 1 + (stride - 1)};
  if (l.upsample) in = {floor_to(in.begin, 2) / 2, ceil_to(in.end, 2) / 2};
  return in;
}

/// The rows of input, at either end within [0, height), that rows `out` of the last layer's output depend on.
Rows input_rows(const ConvLayers& layers, Rows out, int64_t height) {
  std::vector<int64_t> heights;  // of each layer's input
  for (const ConvLayer& l : layers) {
    heights.push_back(height);
    height = rows_out(l, height);
  }
  for (size_t k = layers.size(); k-- > 0;) {
    out = input_rows(layers[k], out, heights[k]);
    out = {std::max<int64_t>(0, out.begin), std::min(heights[k], out.end)};
  }
  return out;
}

/// Rows at whose multiples a strip of input may begin, so that every layer's tiles lie as in the whole picture.
int64_t strip_unit(const ConvLayers& layers) {
  const auto fits = [&](int64_t rows) {
    return std::all_of(layers.begin(), layers.end(), [&](const ConvLayer& l) {
      if (rows_in(l, rows) % l.options.stride != 0) return false;
      rows = rows_in(l, rows) / l.options.stride;
      return rows % tile_rows(l) == 0;
    });
  };
  int64_t unit = 2;
  while (!fits(unit)) unit *= 2;
  return unit;
}

/// The most elements in a layer's input and output.
int64_t largest_pair(const ConvLayers& layers, int64_t height, int64_t width) {
  int64_t largest = 0;
  for (const ConvLayer& l : layers) {
    const int64_t in = height * width * l.in;
    height = rows_out(l, height), width = rows_out(l, width);
    largest = std::max(largest, in + height * width * l.out);
  }
  return largest;
}

}  // namespace

Parts parts_of(const ConvLayers& layers) {
  const auto down = [](const ConvLayer& l) { return l.options.stride > 1; };
  const auto up = std::find_if(layers.begin(), layers.end(), [](const ConvLayer& l) { return l.upsample; });
  const auto lowest = std::find_if(std::make_reverse_iterator(up), layers.rend(), down).base();
  return {{layers.begin(), lowest}, {lowest, up}, {up, layers.end()}};
}

Variable apply_in_strips(const ConvLayers& layers, const Params& params, Variable x, int64_t strips) {
  const NoGrad no_grad;
  const int64_t height = x.dim(1), unit = strip_unit(layers);
  const int64_t rows = ceil_to((height + strips - 1) / strips, unit);
  if (rows >= height) return apply(layers, params, std::move(x));
  Variables parts;
  for (int64_t begin = 0; begin < height; begin += rows) {
    const int64_t end = std::min(height, begin + rows);
    const int64_t first = rows_out(layers, begin), last = rows_out(layers, end);
    Rows in = input_rows(layers, {first, last}, height);
    in = {floor_to(in.begin, unit), std::min(height, ceil_to(in.end, unit))};
    const Variable y = apply(layers, params, slice(x, 1, in.begin, in.end - in.begin));
    parts.push_back(slice(y, 1, first - rows_out(layers, in.begin), last - first));
  }
  return concat(parts, 1);
}

int64_t elements_in_strips(const ConvLayers& layers, int64_t height, int64_t width, int64_t strips) {
  if (layers.empty()) return 0;
  const int64_t unit = strip_unit(layers), rows = ceil_to((height + strips - 1) / strips, unit);
  if (rows >= height) return largest_pair(layers, height, width);
  // A strip far from the borders has all of its rows around it.
  const int64_t first = 64 * unit, far = 2 * first + rows;
  const Rows in = input_rows(layers, {rows_out(layers, first), rows_out(layers, first + rows)}, far);
  const int64_t computed = std::min(height, ceil_to(in.end, unit) - floor_to(in.begin, unit));
  const int64_t x = height * width * layers.front().in;
  const int64_t y = rows_out(layers, height) * rows_out(layers, width) * layers.back().out;
  return x + y + std::max(y, largest_pair(layers, computed, width));
}

}  // namespace lacuna
