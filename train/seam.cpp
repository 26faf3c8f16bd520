#include "train/seam.h"

#include <algorithm>
#include <vector>

namespace lacuna {
namespace {

enum class Kind : uint8_t {
  beyond,  ///< no part of the membrane
  free,
  given,
};

/// Values on a grid of pixels. No free one lies beside one beyond, so that these are never read.
struct Membrane {
  int64_t height, width, channels;
  std::vector<float> values;  // (height, width, channels)
  std::vector<Kind> kinds;    // (height, width)

  float* at(int64_t y, int64_t x) { return values.data() + (y * width + x) * channels; }
  const float* at(int64_t y, int64_t x) const { return values.data() + (y * width + x) * channels; }
  Kind& kind(int64_t y, int64_t x) { return kinds[static_cast<size_t>(y * width + x)]; }
  Kind kind(int64_t y, int64_t x) const { return kinds[static_cast<size_t>(y * width + x)]; }
};

/// Blocks of 2 x 2 pixels as one: the mean of those that are given; free if none is but some are free.
Membrane halved(const Membrane& fine) {
  const int64_t height = (fine.height + 1) / 2, width = (fine.width + 1) / 2, channels = fine.channels;
  Membrane half{height, width, channels, std::vector<float>(static_cast<size_t>(height * width * channels)), {}};
  half.kinds.resize(static_cast<size_t>(height * width), Kind::beyond);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      float* mean = half.at(y, x);
      int given = 0;
      for (int64_t v = 2 * y; v < std::min(2 * y + 2, fine.height); ++v) {
        for (int64_t u = 2 * x; u < std::min(2 * x + 2, fine.width); ++u) {
          half.kind(y, x) = std::max(half.kind(y, x), fine.kind(v, u));
          if (fine.kind(v, u) != Kind::given) continue;
          ++given;
          for (int64_t c = 0; c < channels; ++c) mean[c] += fine.at(v, u)[c];
        }
      }
      for (int64_t c = 0; given > 0 && c < channels; ++c) mean[c] /= static_cast<float>(given);
    }
  }
  return half;
}

/// One sweep of Gauss and Seidel's: every free value becomes the mean of its neighbours'. At the grid's border there is
/// no force from outside.
void relax(Membrane& m) {
  for (int64_t y = 0; y < m.height; ++y) {
    for (int64_t x = 0; x < m.width; ++x) {
      if (m.kind(y, x) != Kind::free) continue;
      float* value = m.at(y, x);
      const int64_t row = m.width * m.channels;
      for (int64_t c = 0; c < m.channels; ++c) {
        float sum = 0;
        int neighbours = 0;
        const auto add = [&](bool exists, int64_t step) {
          if (!exists) return;
          sum += value[c + step];
          ++neighbours;
        };
        add(y > 0, -row);
        add(y + 1 < m.height, row);
        add(x > 0, -m.channels);
        add(x + 1 < m.width, m.channels);
        value[c] = sum / static_cast<float>(neighbours);
      }
    }
  }
}

/// From coarse to fine, each size starting from the one before, so that few sweeps do.
void solve(Membrane& m) {
  constexpr int sweeps = 24;
  if (std::find(m.kinds.begin(), m.kinds.end(), Kind::free) == m.kinds.end()) return;
  if (m.height > 1 || m.width > 1) {
    Membrane half = halved(m);
    solve(half);
    for (int64_t y = 0; y < m.height; ++y) {
      for (int64_t x = 0; x < m.width; ++x) {
        if (m.kind(y, x) == Kind::free) std::copy_n(half.at(y / 2, x / 2), m.channels, m.at(y, x));
      }
    }
    for (int i = 0; i < sweeps; ++i) relax(m);
  }
}

/// Calls visit with pixel p of height x width and its eight neighbours.
template <typename F>
void for_neighbours(int64_t p, int64_t height, int64_t width, const F& visit) {
  for (int64_t v = std::max<int64_t>(p / width - 1, 0); v < std::min(p / width + 2, height); ++v) {
    for (int64_t u = std::max<int64_t>(p % width - 1, 0); u < std::min(p % width + 2, width); ++u) visit(v * width + u);
  }
}

/// How many pixels from the known ones a network does not tell its fill and what it knows apart, so that neither shows
/// what its fill is like there.
constexpr int unsettled = 2;

/// `generated` with the values of the hole's inner pixels continued over its outermost ones and the known pixels beside
/// them. Where a hole is too thin to have inner ones, it stays as it is.
Tensor continued_outwards(const Tensor& generated, const Tensor& mask) {
  const int64_t height = mask.dim(1), width = mask.dim(2), channels = generated.dim(3);
  const float* hole = mask.data<float>();
  std::vector<uint8_t> inner(static_cast<size_t>(mask.numel()));
  for (int64_t p = 0; p < mask.numel(); ++p) inner[static_cast<size_t>(p)] = hole[p] > 0.5f;
  for (int i = 0; i < unsettled; ++i) {
    const std::vector<uint8_t> before = inner;
    for (int64_t p = 0; p < mask.numel(); ++p) {
      for_neighbours(p, height, width,
                     [&](int64_t q) { inner[static_cast<size_t>(p)] &= before[static_cast<size_t>(q)]; });
    }
  }
  Tensor continued = generated.clone();
  float* values = continued.data<float>();
  for (int i = 0; i <= unsettled; ++i) {
    const std::vector<uint8_t> before = inner;
    for (int64_t p = 0; p < mask.numel(); ++p) {
      if (before[static_cast<size_t>(p)] != 0) continue;
      int64_t count = 0;
      for_neighbours(p, height, width, [&](int64_t q) { count += before[static_cast<size_t>(q)]; });
      if (count == 0) continue;
      std::fill_n(values + p * channels, channels, 0.0f);
      for_neighbours(p, height, width, [&](int64_t q) {
        if (before[static_cast<size_t>(q)] == 0) return;
        for (int64_t c = 0; c < channels; ++c) values[p * channels + c] += values[q * channels + c];
      });
      for (int64_t c = 0; c < channels; ++c) values[p * channels + c] /= static_cast<float>(count);
      inner[static_cast<size_t>(p)] = 1;
    }
  }
  return continued;
}

}  // namespace

Tensor blend_seam(const Tensor& generated, const Tensor& picture, const Tensor& mask) {
  check(generated.rank() == 4 && generated.dim(0) == 1 && generated.shape() == picture.shape() &&
            mask.shape() == Shape{1, picture.dim(1), picture.dim(2), 1},
        "[blend_seam] generated ", generated.shape(), ", picture ", picture.shape(), " and mask ", mask.shape(),
        " do not belong together");
  const int64_t height = mask.dim(1), width = mask.dim(2), pixels = mask.numel(), channels = picture.dim(3);
  const Tensor continued = continued_outwards(generated, mask);
  const float *made = continued.data<float>(), *known = picture.data<float>(), *hole = mask.data<float>();
  Membrane offset{height, width, channels, std::vector<float>(static_cast<size_t>(picture.numel())),
                  std::vector<Kind>(static_cast<size_t>(pixels), Kind::beyond)};
  for (int64_t p = 0; p < pixels; ++p) {
    if (hole[p] <= 0.5f) continue;
    offset.kinds[static_cast<size_t>(p)] = Kind::free;
    for_neighbours(p, height, width, [&](int64_t q) {
      if (hole[q] > 0.5f || offset.kinds[static_cast<size_t>(q)] == Kind::given) return;
      offset.kinds[static_cast<size_t>(q)] = Kind::given;
      for (int64_t i = q * channels; i < (q + 1) * channels; ++i) {
        offset.values[static_cast<size_t>(i)] = known[i] - made[i];
      }
    });
  }
  solve(offset);
  Tensor blended = picture.clone();
  float* result = blended.data<float>();
  for (int64_t p = 0; p < pixels; ++p) {
    if (hole[p] <= 0.5f) continue;
    for (int64_t i = p * channels; i < (p + 1) * channels; ++i) {
      result[i] = std::clamp(made[i] + offset.values[static_cast<size_t>(i)], -1.0f, 1.0f);
    }
  }
  return blended;
}

}  // namespace lacuna
