#include "train/detail.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "nets/generator.h"
#include "tensor/image_resize.h"
#include "tensor/stream.h"

namespace lacuna {
namespace {

/// Positions, along each axis, that take their texture from one place where they can: neighbours tend to look at the
/// same one, and its texture over and over shows as a pattern.
constexpr int64_t patch = 4;

/// Positions of the attention along one axis of the picture.
struct Axis {
  int64_t size;       // of the picture
  int64_t positions;  // of the grid
  double cell;        // pixels of the picture under a position

  /// The middles of the two groups of so many positions around a pixel, and the second one's weight.
  std::array<int64_t, 2> around(int64_t pixel, int64_t group, double& weight) const {
    const double place = (static_cast<double>(pixel) + 0.5) / (cell * static_cast<double>(group)) - 0.5;
    const double first = std::floor(place);
    weight = place - first;
    const auto middle = [&](double g) {
      return std::clamp<int64_t>(static_cast<int64_t>(g) * group + group / 2, 0, positions - 1);
    };
    return {middle(first), middle(first + 1)};
  }
  /// The pixel that lies from `pixel` as position `to` from `from`.
  int64_t moved(int64_t pixel, int64_t from, int64_t to) const {
    return pixel + std::lround(static_cast<double>(to - from) * cell);
  }
};

/// The places that a pixel takes its detail from; equal ones count once.
struct Sources {
  std::array<std::pair<int64_t, double>, 4> items;  // pixel, weight
  int count = 0;

  void add(int64_t pixel, double weight) {
    for (int i = 0; i < count; ++i) {
      if (items[static_cast<size_t>(i)].first != pixel) continue;
      items[static_cast<size_t>(i)].second += weight;
      return;
    }
    items[static_cast<size_t>(count++)] = {pixel, weight};
  }
};

/// What the picture loses, no more than is usual in the known pixels: texture is much the same everywhere, and
/// what stands out is the edge of a thing, of which a part in the wrong place looks worse than none.
Tensor texture_of(const Tensor& sharp, const Tensor& blurred, const Tensor& mask) {
  constexpr double most = 1.5;  // times the mean
  Tensor lost(sharp.shape());
  float* l = lost.data<float>();
  std::transform(sharp.data<float>(), sharp.data<float>() + sharp.numel(), blurred.data<float>(), l, std::minus<>());
  double sum = 0;
  int64_t known = 0;
  for (int64_t p = 0; p < mask.numel(); ++p) {
    if (mask.data<float>()[p] > 0.5f) continue;
    ++known;
    for (int64_t c = 0; c < 3; ++c) sum += std::abs(l[3 * p + c]);
  }
  const auto limit = static_cast<float>(most * sum / static_cast<double>(std::max<int64_t>(3 * known, 1)));
  std::transform(l, l + lost.numel(), l, [limit](float v) { return std::clamp(v, -limit, limit); });
  return lost;
}

/// 1 where a pixel of the mask (1,H,W,1) lies within `radius` along both axes.
Tensor dilated(const Tensor& mask, int64_t radius) {
  const int64_t height = mask.dim(1), width = mask.dim(2);
  Tensor across = Tensor::zeros(mask.shape()), both = Tensor::zeros(mask.shape());
  for (int64_t p = 0; p < mask.numel(); ++p) {
    if (mask.data<float>()[p] <= 0.5f) continue;
    const int64_t row = p / width * width, first = std::max(row, p - radius);
    std::fill_n(across.data<float>() + first, std::min(row + width, p + radius + 1) - first, 1.0f);
  }
  for (int64_t y = 0; y < height; ++y) {
    float* to = both.data<float>() + y * width;
    for (int64_t v = std::max<int64_t>(0, y - radius); v < std::min(height, y + radius + 1); ++v) {
      std::transform(to, to + width, across.data<float>() + v * width, to, [](float a, float b) { return a + b > 0; });
    }
  }
  return both;
}

}  // namespace

Tensor detail_by_attention(const Image& picture, const Tensor& mask, const Tensor& offsets, int64_t height,
                           int64_t width, double scale) {
  check(mask.shape() == Shape{1, picture.height, picture.width, 1} && offsets.rank() == 4 && offsets.dim(3) == 2,
        "[detail_by_attention] mask ", mask.shape(), " and offsets ", offsets.shape(), " do not fit a picture of ",
        picture.height, "x", picture.width);
  const Tensor sharp = to_tensor(picture);
  const auto reduced = [scale](int64_t n) { return std::max<int64_t>(1, std::lround(static_cast<double>(n) / scale)); };
  const Image small = resize_image(picture, reduced(picture.height), reduced(picture.width));
  const Tensor blurred = to_tensor(resize_image(small, picture.height, picture.width));
  const auto axis = [](int64_t size, int64_t seen, int64_t positions) {
    return Axis{size, positions,
                static_cast<double>(Generator::size_unit * size) / static_cast<double>(std::max<int64_t>(seen, 1))};
  };
  const Axis rows = axis(picture.height, height, offsets.dim(1)), columns = axis(picture.width, width, offsets.dim(2));
  const Tensor lost = texture_of(sharp, blurred, mask);
  Tensor detail = Tensor::zeros(sharp.shape());
  // What lies in a hole went into what its surroundings lose.
  const Tensor unusable = dilated(mask, std::lround(std::ceil(scale)));
  const float *texture = lost.data<float>(), *hole = mask.data<float>(), *unclean = unusable.data<float>();
  const int32_t* target = offsets.data<int32_t>();
  float* d = detail.data<float>();
  const CpuStream stream{.threads = num_threads()};
  const auto sources_of = [&](int64_t y, int64_t x, int64_t group) {
    double down = 0, right = 0;
    const auto row_positions = rows.around(y, group, down), column_positions = columns.around(x, group, right);
    Sources sources;
    for (size_t k = 0; k < 4; ++k) {
      const int64_t i = row_positions[k / 2], j = column_positions[k % 2];
      const int32_t* t = target + 2 * (i * columns.positions + j);
      const int64_t v = rows.moved(y, i, t[0]), u = columns.moved(x, j, t[1]);
      if (v < 0 || v >= rows.size || u < 0 || u >= columns.size || unclean[v * columns.size + u] > 0.5f) continue;
      sources.add(v * columns.size + u, (k / 2 ? down : 1 - down) * (k % 2 ? right : 1 - right));
    }
    return sources;
  };
  parallel_for(stream, rows.size, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t x = 0; x < columns.size; ++x) {
        const int64_t p = y * columns.size + x;
        if (hole[p] <= 0.5f) continue;
        Sources sources = sources_of(y, x, patch);
        for (int64_t group = patch / 2; sources.count == 0 && group > 0; group /= 2) sources = sources_of(y, x, group);
        double squares = 0;
        for (int k = 0; k < sources.count; ++k) squares += std::pow(sources.items[static_cast<size_t>(k)].second, 2);
        if (squares == 0) continue;
        for (int k = 0; k < sources.count; ++k) {
          const auto& [q, weight] = sources.items[static_cast<size_t>(k)];
          const float w = static_cast<float>(weight / std::sqrt(squares));
          for (int64_t c = 0; c < 3; ++c) d[3 * p + c] += w * texture[3 * q + c];
        }
      }
    }
  });
  return detail;
}

}  // namespace lacuna
