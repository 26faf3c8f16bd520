#include "nets/windows.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/concat/concat.h"
#include "ops/pad/pad.h"

namespace lacuna {
namespace {

struct Range {
  int64_t begin, end;
};

/// A batch's ranges along one axis, all of `size`.
struct Ranges {
  int64_t size;
  std::vector<int64_t> begins;
};

/// Some that contain these, of one size, within [0, length), beginning at multiples of `unit` where the length is one.
Ranges equal_ranges(const std::vector<Range>& ranges, int64_t length, int64_t unit) {
  Ranges equal{0, {}};
  for (const Range& r : ranges) {
    equal.begins.push_back(r.begin / unit * unit);
    equal.size = std::max(equal.size, (r.end - equal.begins.back() + unit - 1) / unit * unit);
  }
  equal.size = std::min(equal.size, length);
  for (int64_t& begin : equal.begins) begin = std::min(begin, length - equal.size);
  return equal;
}

Windows windows_of(const Ranges& rows, const Ranges& columns) {
  Windows windows{rows.size, columns.size, {}};
  for (size_t k = 0; k < rows.begins.size(); ++k) windows.corners.push_back({rows.begins[k], columns.begins[k]});
  return windows;
}

/// The range [0, length) of a layer's input that a range of its output depends on.
Range input_range(const ConvLayer& l, Range out, int64_t length) {
  const int64_t before = conv2d_axis(l.upsample ? 2 * length : length, l.kernel, l.options).before;
  Range in{std::max<int64_t>(0, out.begin - before), out.end - before + l.kernel - 1};
  if (l.upsample) in = {in.begin / 2, (in.end + 1) / 2};
  return {in.begin, std::min(length, in.end)};
}

/// What the layers, of which only the first may double, must be given for those windows of their output; height and
/// width are those of the whole input.
Windows input_windows(const ConvLayers& layers, const Windows& out, int64_t height, int64_t width) {
  const int64_t scale = layers.front().upsample ? 2 : 1;
  const auto ranges = [&](int64_t length, int64_t size, auto begin_of) {
    std::vector<Range> all;
    for (const auto& corner : out.corners) {
      Range range{begin_of(corner), begin_of(corner) + size};
      for (size_t k = layers.size(); k-- > 0;) range = input_range(layers[k], range, k == 0 ? length : scale * length);
      all.push_back(range);
    }
    constexpr int64_t unit = 2;
    return equal_ranges(all, length, unit);
  };
  return windows_of(ranges(height, out.height, [](const auto& corner) { return corner.top; }),
                    ranges(width, out.width, [](const auto& corner) { return corner.left; }));
}

Variable cut(const Variable& x, const Windows& windows, const std::vector<Windows::Corner>& origins) {
  Variables parts;
  for (size_t k = 0; k < windows.corners.size(); ++k) {
    parts.push_back(crop(slice(x, 0, static_cast<int64_t>(k), 1), windows.corners[k].top - origins[k].top,
                         windows.corners[k].left - origins[k].left, windows.height, windows.width));
  }
  return concat(parts, 0);
}

/// The layers in pieces, each but perhaps the first beginning with an upsampling.
std::vector<ConvLayers> pieces_of(const ConvLayers& layers) {
  std::vector<ConvLayers> pieces;
  for (const ConvLayer& l : layers) {
    if (pieces.empty() || l.upsample) pieces.emplace_back();
    pieces.back().push_back(l);
  }
  return pieces;
}

}  // namespace

Windows windows_around(const Tensor& mask, int64_t n) {
  const int64_t height = mask.dim(1), width = mask.dim(2);
  std::vector<Range> rows, columns;
  const Tensor values = mask.to(DType::f32);
  for (int64_t k = 0; k < n; ++k) {
    const float* m = values.data<float>() + (mask.dim(0) == 1 ? 0 : k) * height * width;
    Range down{height, 0}, across{width, 0};
    for (int64_t i = 0; i < height; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        if (m[i * width + j] == 0) continue;
        down = {std::min(down.begin, i), i + 1};
        across = {std::min(across.begin, j), std::max(across.end, j + 1)};
      }
    }
    rows.push_back(down.end > 0 ? down : Range{0, 1});
    columns.push_back(across.end > 0 ? across : Range{0, 1});
  }
  return windows_of(equal_ranges(rows, height, 1), equal_ranges(columns, width, 1));
}

size_t narrow_layers(const ConvLayers& layers) {
  const auto wide = std::find_if(layers.rbegin(), layers.rend(),
                                 [](const ConvLayer& l) { return l.options.stride > 1 || l.options.dilation > 1; });
  return static_cast<size_t>(wide - layers.rbegin());
}

Variable apply_in_windows(const ConvLayers& layers, const Params& params, const Variable& x, const Windows& windows) {
  const NoGrad no_grad;
  const std::vector<ConvLayers> pieces = pieces_of(layers);
  std::vector<Windows> inputs(pieces.size());  // of each piece, in what the piece before makes of whole pictures
  std::vector<int64_t> scales(pieces.size());
  int64_t scale = 1;
  for (size_t k = 0; k < pieces.size(); ++k) {
    scales[k] = scale;
    if (pieces[k].front().upsample) scale *= 2;
  }
  Windows out = windows;
  for (size_t k = pieces.size(); k-- > 0;) {
    out = inputs[k] = input_windows(pieces[k], out, x.dim(1) * scales[k], x.dim(2) * scales[k]);
  }
  std::vector<Windows::Corner> origins(windows.corners.size(), {0, 0});
  Variable y = x;
  for (size_t k = 0; k < pieces.size(); ++k) {
    y = apply(pieces[k], params, cut(y, inputs[k], origins));
    origins = inputs[k].corners;
    if (!pieces[k].front().upsample) continue;
    for (auto& [top, left] : origins) top *= 2, left *= 2;
  }
  return cut(y, windows, origins);
}

Variable in_place(const Variable& x, const Windows& windows, int64_t height, int64_t width) {
  Variables parts;
  for (size_t k = 0; k < windows.corners.size(); ++k) {
    const auto [top, left] = windows.corners[k];
    parts.push_back(pad(slice(x, 0, static_cast<int64_t>(k), 1),
                        {top, height - top - windows.height, left, width - left - windows.width}));
  }
  return concat(parts, 0);
}

}  // namespace lacuna
