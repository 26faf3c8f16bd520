#include "train/texture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tensor/image_resize.h"
#include "tensor/stream.h"
#include "train/inpaint.h"

namespace lacuna {
namespace {

/// Pixels along a patch's side, and of those the ones that it shares with the patch before it.
constexpr int64_t patch = 8, overlap = 2;

/// Detail is what is lost at 1 / blur of the size: about as much as the network leaves out.
constexpr double blur = 2;

/// How much coarser each level is than the next: one level's detail ends where that of the next begins, nearly.
constexpr double level_ratio = 8.0 / 3;

/// Of all detail: more is livelier, less is nearer to what was there. Detail coarser than the network's finest is left
/// to the network; a mistake would stand out there.
constexpr float strength = 0.97f;

constexpr int64_t most_candidates = 8192;
constexpr int64_t nearest = 32;  // candidates that are compared with the detail already there

/// A patch without its detail: the brightness of 4x4 cells about their mean, then the mean colour.
constexpr int64_t cells = 4;
using Look = std::array<float, cells * cells + 3>;

/// Of a mean colour beside brightness: another colour with the same shape will do.
constexpr float colour_weight = 0.3f;

struct Place {
  int64_t y, x;  // the patch's first pixel
};

struct Match {
  float distance;
  int32_t candidate;
  auto operator<=>(const Match&) const = default;
};

/// How many pixels of a mask lie in a rectangle.
class Counts {
 public:
  explicit Counts(const Tensor& mask) : height_(mask.dim(1)), width_(mask.dim(2)), sums_((height_ + 1) * (width_ + 1)) {
    const float* m = mask.data<float>();
    for (int64_t y = 0; y < height_; ++y) {
      int32_t row = 0;
      for (int64_t x = 0; x < width_; ++x) {
        row += m[y * width_ + x] > 0.5f;
        sums_[at(y + 1, x + 1)] = sums_[at(y, x + 1)] + row;
      }
    }
  }

  /// Of the patch at a place and so many pixels around it.
  int32_t around(const Place& place, int64_t margin) const {
    const int64_t top = std::max<int64_t>(place.y - margin, 0), left = std::max<int64_t>(place.x - margin, 0);
    const int64_t bottom = std::min(place.y + patch + margin, height_);
    const int64_t right = std::min(place.x + patch + margin, width_);
    return sums_[at(bottom, right)] - sums_[at(top, right)] - sums_[at(bottom, left)] + sums_[at(top, left)];
  }

 private:
  size_t at(int64_t y, int64_t x) const { return static_cast<size_t>(y * (width_ + 1) + x); }

  int64_t height_, width_;
  std::vector<int32_t> sums_;
};

/// The detail of one picture's holes, from its known patches.
class Level {
 public:
  Level(const Tensor& picture, const Tensor& unknown, const Tensor& target)
      : height_(picture.dim(1)),
        width_(picture.dim(2)),
        smooth_(smoothed(picture)),
        detail_(known_detail(picture, smooth_, unknown)),
        target_(target),
        settled_(static_cast<size_t>(unknown.numel())) {
    std::transform(unknown.data<float>(), unknown.data<float>() + unknown.numel(), settled_.begin(),
                   [](float hole) { return hole <= 0.5f; });
    find_candidates(unknown);
  }

  /// (1,H,W,3), 0 outside the target.
  Tensor detail() {
    if (candidates_.empty()) return Tensor::zeros(detail_.shape());
    const std::vector<Place> places = patches();
    const std::vector<Match> matches = nearest_of(places);
    const int64_t each = std::min(nearest, std::ssize(candidates_));
    std::vector<float> uses(candidates_.size(), 0.0f);
    for (int64_t i = 0; i < std::ssize(places); ++i) {
      const Place& to = places[static_cast<size_t>(i)];
      const Match* first = matches.data() + i * each;
      size_t best = 0;
      float least = std::numeric_limits<float>::infinity();
      for (const Match* m = first; m < first + each; ++m) {
        const auto candidate = static_cast<size_t>(m->candidate);
        // A patch that is taken again and again shows as a pattern, even where it is the only one that fits.
        constexpr float half_a_step = 1.5e-5f;  // of 8 bits, squared
        const float misfit = m->distance + disagreement(candidates_[candidate], to) + half_a_step;
        const float cost = misfit * (1 + uses[candidate]);
        if (cost >= least) continue;
        least = cost;
        best = candidate;
      }
      uses[best] += 1;
      put(candidates_[best], to);
    }
    return in_target();
  }

 private:
  static Tensor smoothed(const Tensor& picture) {
    const int64_t height = picture.dim(1), width = picture.dim(2);
    return resize_values(resize_values(picture, reduced_side(height, blur), reduced_side(width, blur)), height, width);
  }

  /// What was lost where pixels are known, and 0 elsewhere. Texture is much the same everywhere; what stands out is the
  /// edge of a thing, of which a part in the wrong place looks worse than none, so it is cut off.
  static Tensor known_detail(const Tensor& sharp, const Tensor& smooth, const Tensor& unknown) {
    constexpr double most = 2.5;  // times the mean
    Tensor lost = Tensor::zeros(sharp.shape());
    const float *whole = sharp.data<float>(), *rest = smooth.data<float>(), *hole = unknown.data<float>();
    float* l = lost.data<float>();
    double sum = 0;
    int64_t known = 0;
    for (int64_t p = 0; p < unknown.numel(); ++p) {
      if (hole[p] > 0.5f) continue;
      ++known;
      for (int64_t i = 3 * p; i < 3 * p + 3; ++i) {
        l[i] = whole[i] - rest[i];
        sum += std::abs(l[i]);
      }
    }
    const auto limit = static_cast<float>(most * sum / static_cast<double>(std::max<int64_t>(3 * known, 1)));
    std::transform(l, l + lost.numel(), l, [limit](float v) { return std::clamp(v, -limit, limit); });
    return lost;
  }

  /// Known patches on a grid, which is as fine as their number allows, and how they look.
  void find_candidates(const Tensor& unknown) {
    const Counts counts(unknown);
    const auto area = static_cast<double>(height_ * width_);
    const int64_t stride = std::lround(std::ceil(std::sqrt(area / static_cast<double>(most_candidates))));
    const int64_t reach = std::lround(std::ceil(blur));  // what lies in a hole went into the smooth picture around it
    for (Place p{0, 0}; p.y + patch <= height_; p.y += stride) {
      for (p.x = 0; p.x + patch <= width_; p.x += stride) {
        if (counts.around(p, reach) == 0) candidates_.push_back(p);
      }
    }
    const size_t count = candidates_.size();
    looks_.resize(count * std::tuple_size_v<Look>);
    for (size_t c = 0; c < count; ++c) {
      const Look look = look_of(candidates_[c]);
      for (size_t k = 0; k < look.size(); ++k) looks_[k * count + c] = look[k];
    }
  }

  Look look_of(const Place& place) const {
    constexpr int64_t side = patch / cells;
    Look look{};
    std::array<float, 3> colour{};
    float total = 0;
    for (int64_t y = 0; y < patch; ++y) {
      for (int64_t x = 0; x < patch; ++x) {
        const float* p = smooth_.data<float>() + 3 * ((place.y + y) * width_ + place.x + x);
        const float brightness = (p[0] + p[1] + p[2]) / (3 * side * side);
        look[static_cast<size_t>(y / side * cells + x / side)] += brightness;
        total += brightness;
        for (size_t c = 0; c < 3; ++c) colour[c] += p[c] / (patch * patch);
      }
    }
    constexpr size_t shape = cells * cells;
    for (size_t k = 0; k < shape; ++k) look[k] = (look[k] - total / shape) / cells;  // squares sum to a mean
    for (size_t c = 0; c < 3; ++c) look[shape + c] = colour_weight * colour[c];
    return look;
  }

  /// The patches that cover the target, row by row.
  std::vector<Place> patches() const {
    const Counts counts(target_);
    std::vector<Place> places;
    constexpr int64_t step = patch - overlap;
    for (int64_t y = 0; y < height_; y += step) {
      for (int64_t x = 0; x < width_; x += step) {
        const Place place{std::min(y, height_ - patch), std::min(x, width_ - patch)};
        if (counts.around(place, 0) > 0) places.push_back(place);
      }
    }
    return places;
  }

  /// For each place the candidates that look most like it.
  std::vector<Match> nearest_of(const std::vector<Place>& places) const {
    const size_t count = candidates_.size();
    const auto each = static_cast<size_t>(std::min<int64_t>(nearest, std::ssize(candidates_)));
    std::vector<Match> found(places.size() * each);
    const CpuStream stream{.threads = num_threads()};
    parallel_for(stream, std::ssize(places), 8, [&](int64_t begin, int64_t end) {
      std::vector<float> distances(count);
      std::vector<Match> all(count);
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        const Look look = look_of(places[i]);
        std::fill(distances.begin(), distances.end(), 0.0f);
        for (size_t k = 0; k < look.size(); ++k) {
          const float* candidate = looks_.data() + k * count;
          for (size_t c = 0; c < count; ++c) {
            const float difference = candidate[c] - look[k];
            distances[c] += difference * difference;
          }
        }
        for (size_t c = 0; c < count; ++c) all[c] = {distances[c], static_cast<int32_t>(c)};
        std::partial_sort(all.begin(), all.begin() + static_cast<int64_t>(each), all.end());
        std::copy_n(all.begin(), each, found.begin() + static_cast<int64_t>(i * each));
      }
    });
    return found;
  }

  /// The mean over the patch of the squared difference from the detail that is there already.
  float disagreement(const Place& from, const Place& to) const {
    const float* detail = detail_.data<float>();
    float sum = 0;
    for (int64_t y = 0; y < patch; ++y) {
      for (int64_t x = 0; x < patch; ++x) {
        const int64_t p = (to.y + y) * width_ + to.x + x, q = (from.y + y) * width_ + from.x + x;
        if (!settled_[static_cast<size_t>(p)]) continue;
        for (int64_t c = 0; c < 3; ++c) {
          const float difference = detail[3 * q + c] - detail[3 * p + c];
          sum += difference * difference;
        }
      }
    }
    return sum / (3 * patch * patch);
  }

  /// A patch's detail into the target; from that of the patches before it with a transition that keeps its variance.
  void put(const Place& from, const Place& to) {
    const float* target = target_.data<float>();
    float* detail = detail_.data<float>();
    const auto ramp = [](int64_t i) {
      return i < overlap ? static_cast<float>(i + 1) / static_cast<float>(overlap + 1) : 1.0f;
    };
    for (int64_t y = 0; y < patch; ++y) {
      for (int64_t x = 0; x < patch; ++x) {
        const int64_t p = (to.y + y) * width_ + to.x + x, q = (from.y + y) * width_ + from.x + x;
        if (target[p] <= 0.5f) continue;
        char& settled = settled_[static_cast<size_t>(p)];
        const float a = settled ? std::min(ramp(y), ramp(x)) : 1.0f, b = 1 - a, norm = std::sqrt(a * a + b * b);
        for (int64_t c = 0; c < 3; ++c) {
          float& d = detail[3 * p + c];
          d = (a * detail[3 * q + c] + b * d) / norm;
        }
        settled = 1;
      }
    }
  }

  Tensor in_target() const {
    Tensor result = Tensor::zeros(detail_.shape());
    const float *target = target_.data<float>(), *detail = detail_.data<float>();
    float* r = result.data<float>();
    for (int64_t p = 0; p < target_.numel(); ++p) {
      if (target[p] > 0.5f) std::copy_n(detail + 3 * p, 3, r + 3 * p);
    }
    return result;
  }

  const int64_t height_, width_;
  const Tensor smooth_;
  Tensor detail_;  // of known pixels and of the patches so far
  const Tensor target_;
  std::vector<char> settled_;  // pixels that have their detail
  std::vector<Place> candidates_;
  std::vector<float> looks_;  // of the candidates: all of a look's first numbers, then all second ones
};

}  // namespace

Tensor add_texture(const Tensor& picture, const Tensor& unknown, const Tensor& target, double reduction) {
  check(picture.rank() == 4 && picture.dim(0) == 1 && picture.dim(3) == 3 && unknown.shape() == target.shape() &&
            unknown.shape() == Shape{1, picture.dim(1), picture.dim(2), 1},
        "[add_texture] masks ", unknown.shape(), " and ", target.shape(), " do not fit a picture ", picture.shape());
  const int64_t height = picture.dim(1), width = picture.dim(2);
  Tensor result = picture.clone();
  const auto add_level = [&](double factor) {
    const int64_t h = reduced_side(height, factor), w = reduced_side(width, factor);
    if (std::min(h, w) < 2 * patch) return;
    Level level(resize_values(result, h, w), reduce_mask(unknown, h, w), reduce_mask(target, h, w));
    const Tensor detail = resize_values(level.detail(), height, width);
    const float *t = target.data<float>(), *d = detail.data<float>();
    float* r = result.data<float>();
    for (int64_t p = 0; p < target.numel(); ++p) {
      if (t[p] <= 0.5f) continue;
      for (int64_t i = 3 * p; i < 3 * p + 3; ++i) r[i] += strength * d[i];
    }
  };
  for (double factor = reduction; factor > std::sqrt(level_ratio); factor /= level_ratio) add_level(factor);
  add_level(1);
  return result;
}

}  // namespace lacuna
