#include "train/patchmatch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "tensor/philox.h"
#include "train/inpaint.h"

namespace lacuna {
namespace {

constexpr int64_t coarsest_depth = 8;   // of the hole, in pixels: there the smooth fill to start from is good enough
constexpr int64_t least_side = 16;      // of the coarsest picture: so many patches are left to take from
constexpr double last_sharpness = 0.1;  // of the last vote: texture, not the mean of textures
constexpr double depth_discount = 1.3;  // Wexler's: a patch one pixel deeper in the hole is worth so much less

/// The picture at one size of the pyramid.
struct Level {
  int64_t height = 0, width = 0;
  std::vector<float> rgb;      // in [0,255]; in the hole what it is filled with so far
  std::vector<uint8_t> hole;   // 1 in the hole
  std::vector<int64_t> depth;  // steps (of a king) to the nearest known pixel

  int64_t pixels() const { return height * width; }
};

/// Chessboard distance to the nearest known pixel, in two passes.
void measure_depth(Level& level) {
  const int64_t h = level.height, w = level.width, far = h + w;
  level.depth.assign(static_cast<size_t>(h * w), 0);
  const auto relax = [&](int64_t y, int64_t x, int64_t step) {
    int64_t& d = level.depth[y * w + x];
    if (!level.hole[y * w + x]) return;
    if (step > 0) d = far;
    for (const auto& [dy, dx] : {std::pair<int64_t, int64_t>{0, -1}, {-1, -1}, {-1, 0}, {-1, 1}}) {
      const int64_t ny = y + step * dy, nx = x + step * dx;
      if (ny >= 0 && ny < h && nx >= 0 && nx < w) d = std::min(d, level.depth[ny * w + nx] + 1);
    }
  };
  for (int64_t p = 0; p < h * w; ++p) relax(p / w, p % w, 1);
  for (int64_t p = h * w; p-- > 0;) relax(p / w, p % w, -1);
}

int64_t greatest_depth(const Level& level) { return *std::max_element(level.depth.begin(), level.depth.end()); }

Level finest(const Image& picture, const Tensor& mask) {
  Level level{.height = picture.height, .width = picture.width, .rgb = {}, .hole = {}, .depth = {}};
  const Tensor x = to_tensor(picture);
  for (int64_t e = 0; e < x.numel(); ++e) level.rgb.push_back((x.data<float>()[e] + 1) * 127.5f);
  for (int64_t p = 0; p < mask.numel(); ++p) level.hole.push_back(mask.data<float>()[p] > 0.5f);
  measure_depth(level);
  return level;
}

/// Half the size: the means of the known ones of 2 x 2 pixels. Hole is where one of the four is, so that no colour of a
/// source comes from half a pixel; but where that would leave nothing known, where all four are.
Level halved(const Level& fine) {
  Level coarse{.height = (fine.height + 1) / 2, .width = (fine.width + 1) / 2, .rgb = {}, .hole = {}, .depth = {}};
  coarse.rgb.assign(static_cast<size_t>(3 * coarse.pixels()), 0);
  std::vector<uint8_t> all_hole;
  for (int64_t p = 0; p < coarse.pixels(); ++p) {
    float sum[3] = {}, known = 0, holes = 0;
    for (int64_t y = 2 * (p / coarse.width); y < std::min(2 * (p / coarse.width) + 2, fine.height); ++y) {
      for (int64_t x = 2 * (p % coarse.width); x < std::min(2 * (p % coarse.width) + 2, fine.width); ++x) {
        const int64_t q = y * fine.width + x;
        if (fine.hole[q]) {
          ++holes;
          continue;
        }
        ++known;
        for (int64_t c = 0; c < 3; ++c) sum[c] += fine.rgb[3 * q + c];
      }
    }
    coarse.hole.push_back(holes > 0);
    all_hole.push_back(known == 0);
    for (int64_t c = 0; c < 3 && known > 0; ++c) coarse.rgb[3 * p + c] = sum[c] / known;
  }
  if (std::find(coarse.hole.begin(), coarse.hole.end(), 0) == coarse.hole.end()) coarse.hole = all_hole;
  measure_depth(coarse);
  return coarse;
}

/// Fills the hole from its border inwards, ring by ring, by means of the neighbours; then evens it out.
void fill_smoothly(Level& level) {
  const int64_t h = level.height, w = level.width, deepest = greatest_depth(level);
  const auto mean_of_neighbours = [&](int64_t p, int64_t depth_below) {
    float sum[3] = {}, count = 0;
    for (int64_t y = std::max<int64_t>(p / w - 1, 0); y <= std::min(p / w + 1, h - 1); ++y) {
      for (int64_t x = std::max<int64_t>(p % w - 1, 0); x <= std::min(p % w + 1, w - 1); ++x) {
        const int64_t q = y * w + x;
        if (q == p || level.depth[q] >= depth_below) continue;
        ++count;
        for (int64_t c = 0; c < 3; ++c) sum[c] += level.rgb[3 * q + c];
      }
    }
    for (int64_t c = 0; c < 3; ++c) level.rgb[3 * p + c] = sum[c] / count;
  };
  for (int64_t depth = 1; depth <= deepest; ++depth) {
    for (int64_t p = 0; p < h * w; ++p) {
      if (level.depth[p] == depth) mean_of_neighbours(p, depth);
    }
  }
  for (int64_t i = 0; i < 4 * deepest; ++i) {
    for (int64_t p = 0; p < h * w; ++p) {
      if (level.hole[p]) mean_of_neighbours(p, std::numeric_limits<int64_t>::max());
    }
  }
}

/// For every patch that touches the hole the known patch most like it, at one size.
class Matches {
 public:
  /// Takes patches of the given side, or smaller ones if none of it is known throughout.
  Matches(Level& level, int64_t side, const PatchMatchOptions& options, uint64_t draw)
      : level_(level), options_(options), draw_(draw) {
    side = std::min({side, level.height, level.width});
    for (reach_ = (side - 1) / 2;; --reach_) {
      find_patches();
      if (!sources_.empty()) break;
    }
    nearest_.resize(targets_.size());
    distance_.resize(targets_.size());
  }

  void start_at_random() {
    const Philox random{options_.seed, draw_++};
    for (size_t t = 0; t < targets_.size(); ++t) nearest_[t] = sources_[random.below(t, sources_.size())];
  }

  /// The matches found at half the size, where they name known patches here.
  void start_from(const Matches& coarse) {
    start_at_random();
    std::fill(distance_.begin(), distance_.end(), 0.0f);
    const int64_t w = level_.width;
    for (size_t t = 0; t < targets_.size(); ++t) {
      const int64_t y = targets_[t] / w, x = targets_[t] % w;
      const int64_t other = coarse.target_at(y / 2, x / 2);
      if (other < 0) continue;
      const int64_t from = coarse.nearest_[other];
      const int64_t source =
          source_at(2 * (from / coarse.level_.width) + y % 2, 2 * (from % coarse.level_.width) + x % 2);
      if (source >= 0) nearest_[t] = source;
    }
  }

  /// Propagation and random search, sweeping there and back in turns.
  void search() {
    for (size_t t = 0; t < targets_.size(); ++t) distance_[t] = distance(targets_[t], nearest_[t], infinity);
    for (int sweep = 0; sweep < options_.sweeps; ++sweep) {
      const Philox random{options_.seed, draw_++};
      const int64_t n = static_cast<int64_t>(targets_.size()), step = sweep % 2 == 0 ? 1 : -1;
      for (int64_t k = 0; k < n; ++k) {
        const int64_t t = step > 0 ? k : n - 1 - k;
        propagate(t, -step, 0);
        propagate(t, 0, -step);
        look_around(t, random);
      }
    }
  }

  /// Each hole pixel becomes the weighted mean of what the patches over it say. A patch counts by how alike it is, on
  /// the scale of the 75th percentile of distances times `sharpness`, and by how close to the known part it lies.
  void vote(double sharpness) {
    std::vector<float> sorted = distance_;
    const auto quartile = sorted.begin() + static_cast<int64_t>(sorted.size() * 3 / 4);
    std::nth_element(sorted.begin(), quartile, sorted.end());
    const double scale = -1 / (2 * std::max<double>(*quartile * sharpness, 1));
    std::vector<double> sums(static_cast<size_t>(4 * level_.pixels()), 0);
    const int64_t w = level_.width;
    for (size_t t = 0; t < targets_.size(); ++t) {
      const double weight = std::max(std::exp(scale * distance_[t]), 1e-12) *
                            std::pow(depth_discount, -static_cast<double>(level_.depth[targets_[t]]));
      for (int64_t dy = -reach_; dy <= reach_; ++dy) {
        for (int64_t dx = -reach_; dx <= reach_; ++dx) {
          const int64_t to = targets_[t] + dy * w + dx, from = nearest_[t] + dy * w + dx;
          if (!level_.hole[to]) continue;
          for (int64_t c = 0; c < 3; ++c) sums[4 * to + c] += weight * level_.rgb[3 * from + c];
          sums[4 * to + 3] += weight;
        }
      }
    }
    for (int64_t p = 0; p < level_.pixels(); ++p) {
      if (sums[4 * p + 3] == 0) continue;
      for (int64_t c = 0; c < 3; ++c) level_.rgb[3 * p + c] = static_cast<float>(sums[4 * p + c] / sums[4 * p + 3]);
    }
  }

 private:
  static constexpr float infinity = std::numeric_limits<float>::infinity();

  void find_patches() {
    const int64_t h = level_.height, w = level_.width;
    targets_.clear();
    sources_.clear();
    index_.assign(static_cast<size_t>(h * w), -1);
    is_source_.assign(static_cast<size_t>(h * w), 0);
    for (int64_t y = reach_; y < h - reach_; ++y) {
      for (int64_t x = reach_; x < w - reach_; ++x) {
        bool touches = false;
        for (int64_t dy = -reach_; dy <= reach_ && !touches; ++dy) {
          const auto row = level_.hole.begin() + (y + dy) * w + x;
          touches = std::find(row - reach_, row + reach_ + 1, 1) != row + reach_ + 1;
        }
        const int64_t p = y * w + x;
        if (touches) index_[p] = static_cast<int64_t>(targets_.size());
        is_source_[p] = !touches;
        (touches ? targets_ : sources_).push_back(p);
      }
    }
  }

  int64_t target_at(int64_t y, int64_t x) const { return index_[y * level_.width + x]; }
  /// The source centred there; -1 if that is none.
  int64_t source_at(int64_t y, int64_t x) const {
    const bool inside = y >= 0 && y < level_.height && x >= 0 && x < level_.width;
    return inside && is_source_[y * level_.width + x] ? y * level_.width + x : -1;
  }

  /// Sum of squared differences; given up, and too large, once it is above `enough`.
  float distance(int64_t target, int64_t source, float enough) const {
    float sum = 0;
    const int64_t row = 3 * (2 * reach_ + 1);
    for (int64_t dy = -reach_; dy <= reach_ && sum <= enough; ++dy) {
      const float* a = level_.rgb.data() + 3 * (target + dy * level_.width - reach_);
      const float* b = level_.rgb.data() + 3 * (source + dy * level_.width - reach_);
      for (int64_t e = 0; e < row; ++e) sum += (a[e] - b[e]) * (a[e] - b[e]);
    }
    return sum;
  }

  void consider(int64_t t, int64_t source) {
    if (source < 0 || source == nearest_[t]) return;
    const float d = distance(targets_[t], source, distance_[t]);
    if (d >= distance_[t]) return;
    distance_[t] = d;
    nearest_[t] = source;
  }

  /// The neighbour's match, moved back by as much.
  void propagate(int64_t t, int64_t dy, int64_t dx) {
    const int64_t w = level_.width, y = targets_[t] / w + dy, x = targets_[t] % w + dx;
    if (y < 0 || y >= level_.height || x < 0 || x >= w || target_at(y, x) < 0) return;
    const int64_t from = nearest_[target_at(y, x)];
    consider(t, source_at(from / w - dy, from % w - dx));
  }

  /// Tries one patch within each of a sequence of windows around the match that shrink by half.
  void look_around(int64_t t, const Philox& random) {
    const int64_t w = level_.width;
    uint64_t k = 0;
    for (int64_t radius = std::max(level_.height, w); radius >= 1; radius /= 2, ++k) {
      const Philox::Word4 r = random.words(static_cast<uint64_t>(t) * 64 + k);
      const auto offset = [&](uint32_t word) {
        return static_cast<int64_t>(static_cast<uint64_t>(word) * static_cast<uint64_t>(2 * radius + 1) >> 32) - radius;
      };
      consider(t, source_at(nearest_[t] / w + offset(r.v[0]), nearest_[t] % w + offset(r.v[1])));
    }
  }

  Level& level_;
  const PatchMatchOptions& options_;
  uint64_t draw_;
  int64_t reach_ = 0;             // a patch is its centre and so many pixels on each side
  std::vector<int64_t> targets_;  // centres, as pixel numbers, in rows
  std::vector<int64_t> sources_;
  std::vector<int64_t> index_;  // of the target with that centre; -1
  std::vector<uint8_t> is_source_;
  std::vector<int64_t> nearest_;  // of each target the source
  std::vector<float> distance_;
};

}  // namespace

Image fill_by_patchmatch(const Image& picture, const Tensor& mask, const PatchMatchOptions& options) {
  check(mask.shape() == Shape{1, picture.height, picture.width, 1}, "[patchmatch] the mask is ", mask.shape(),
        ", the picture ", picture.height, "x", picture.width);
  check(options.patch > 0 && options.patch % 2 == 1 && options.rounds > 0 && options.sweeps > 0,
        "[patchmatch] expects patches with an odd side and at least one round of one sweep, not ", options.patch, ", ",
        options.rounds, " and ", options.sweeps);
  std::vector<Level> levels{finest(picture, mask)};
  const auto is_hole = [](uint8_t hole) { return hole != 0; };
  check(!std::all_of(levels[0].hole.begin(), levels[0].hole.end(), is_hole),
        "[patchmatch] the hole is the whole picture: there is nothing to continue; is the mask inverted?");
  if (greatest_depth(levels[0]) == 0) return picture;
  while (greatest_depth(levels.back()) > coarsest_depth &&
         std::min(levels.back().height, levels.back().width) >= 2 * least_side) {
    levels.push_back(halved(levels.back()));
  }

  fill_smoothly(levels.back());
  std::unique_ptr<Matches> matches;
  for (size_t k = levels.size(); k-- > 0;) {
    const uint64_t draw = static_cast<uint64_t>(k) << 32;
    auto finer = std::make_unique<Matches>(levels[k], options.patch, options, draw);
    if (matches) {
      finer->start_from(*matches);
      finer->vote(1);
    } else {
      finer->start_at_random();
    }
    matches = std::move(finer);
    const int rounds = std::max(options.rounds >> std::min<size_t>(levels.size() - 1 - k, 30), 1);
    for (int round = 0; round < rounds; ++round) {
      matches->search();
      matches->vote(k == 0 && round + 1 == rounds ? last_sharpness : 1);
    }
  }

  Tensor filled({1, picture.height, picture.width, 3});
  for (int64_t e = 0; e < filled.numel(); ++e) filled.data<float>()[e] = levels[0].rgb[e] / 127.5f - 1;
  return composite(picture, filled, mask);
}

}  // namespace lacuna
