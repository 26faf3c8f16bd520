#include "tensor/image_resize.h"

#include <algorithm>
#include <cmath>

#include "tensor/codecs.h"

// stb_image_resize was considered; its version 1 asserts on some legal sizes (17 to 16 columns), which would end the
// program.

namespace lacuna {
namespace {

/// What one output position reads along an axis: weight i belongs to source position first + i; they sum to 1.
struct Tap {
  int64_t first;
  std::vector<float> weights;
};

/// The triangle of half-width max(1, in / out) around the source position (i + 1/2) in / out - 1/2, cut at the border
/// and normalised, for every output position i.
std::vector<Tap> triangle_taps(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), radius = std::max(1.0, scale);
  std::vector<Tap> taps(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(std::floor(centre - radius)) + 1, 0);
    const int64_t last = std::min<int64_t>(static_cast<int64_t>(std::ceil(centre + radius)) - 1, in - 1);
    Tap& tap = taps[static_cast<size_t>(i)];
    tap.first = first;
    double sum = 0;
    for (int64_t j = first; j <= last; ++j) sum += 1 - std::abs(static_cast<double>(j) - centre) / radius;
    for (int64_t j = first; j <= last; ++j) {
      tap.weights.push_back(static_cast<float>((1 - std::abs(static_cast<double>(j) - centre) / radius) / sum));
    }
  }
  return taps;
}

/// A row of `channels`-wide pixels resampled along it.
void resample_row(const uint16_t* from, int64_t channels, const std::vector<Tap>& taps, float* to) {
  for (const Tap& tap : taps) {
    for (int64_t c = 0; c < channels; ++c) {
      const uint16_t* sample = from + tap.first * channels + c;
      float sum = 0;
      for (const float weight : tap.weights) {
        sum += weight * static_cast<float>(*sample);
        sample += channels;
      }
      *to++ = sum;
    }
  }
}

}  // namespace

int64_t reduced_side(int64_t n, double factor) {
  return std::max<int64_t>(1, std::lround(static_cast<double>(n) / factor));
}

Image resize_image(const Image& image, int64_t height, int64_t width) {
  codecs::check_extents(height, width, "resize_image");
  codecs::check_extents(image.height, image.width, "resize_image");
  if (image.height == height && image.width == width) return image;
  const std::vector<Tap> rows = triangle_taps(image.height, height), columns = triangle_taps(image.width, width);
  const int64_t in_stride = image.width * image.channels, out_stride = width * image.channels;
  Image result{height, width, image.channels, image.bits, {}, image.icc};
  result.samples.resize(static_cast<size_t>(height * out_stride));

  // Source rows are resampled when first needed; a ring keeps those that the output row at hand reads.
  size_t most_rows = 0;
  for (const Tap& tap : rows) most_rows = std::max(most_rows, tap.weights.size());
  const int64_t ring_rows = static_cast<int64_t>(most_rows);
  std::vector<float> ring(most_rows * static_cast<size_t>(out_stride)), sums(static_cast<size_t>(out_stride));
  int64_t resampled = 0;
  for (int64_t y = 0; y < height; ++y) {
    const Tap& tap = rows[static_cast<size_t>(y)];
    const int64_t end = tap.first + static_cast<int64_t>(tap.weights.size());
    for (resampled = std::max(resampled, tap.first); resampled < end; ++resampled) {
      resample_row(image.samples.data() + resampled * in_stride, image.channels, columns,
                   ring.data() + resampled % ring_rows * out_stride);
    }
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (int64_t r = tap.first; r < end; ++r) {
      const float weight = tap.weights[static_cast<size_t>(r - tap.first)];
      const float* row = ring.data() + r % ring_rows * out_stride;
      for (size_t x = 0; x < sums.size(); ++x) sums[x] += weight * row[x];
    }
    const float maximum = static_cast<float>(image.maximum());
    std::transform(sums.begin(), sums.end(), result.samples.begin() + y * out_stride,
                   [maximum](float v) { return static_cast<uint16_t>(std::min(v + 0.5f, maximum)); });
  }
  return result;
}

Tensor resize_values(const Tensor& x, int64_t height, int64_t width) {
  return x.dim(1) == height && x.dim(2) == width ? x : to_tensor(resize_image(to_image(x, 16), height, width));
}

Image crop_image(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width) {
  check(top >= 0 && left >= 0 && height > 0 && width > 0 && top + height <= image.height && left + width <= image.width,
        "[crop_image] the rectangle of ", height, " x ", width, " at (", top, ",", left,
        ") is not within a picture of ", image.height, " x ", image.width);
  Image result{height, width, image.channels, image.bits, {}, image.icc};
  result.samples.resize(static_cast<size_t>(height * width * image.channels));
  for (int64_t y = 0; y < height; ++y) {
    std::copy_n(image.samples.data() + ((top + y) * image.width + left) * image.channels, width * image.channels,
                result.samples.data() + y * width * image.channels);
  }
  return result;
}

}  // namespace lacuna
