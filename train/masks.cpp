#include "train/masks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <tuple>

#include "train/data.h"
#include "train/draws.h"

namespace lacuna {
namespace {

using Kind = MaskOptions::Kind;

constexpr Kind simple_kinds[] = {Kind::box, Kind::boxes, Kind::strokes};

void check_mask(const Tensor& mask, const char* who) {
  check(mask.rank() == 4 && mask.dim(0) == 1 && mask.dim(3) == 1, "[", who, "] a mask is (1,H,W,1), not ",
        mask.shape());
}

/// A picture's pixels as what they may say of a hole.
class MaskPixels {
 public:
  explicit MaskPixels(const Image& image)
      : image_(image), has_alpha_(image.channels % 2 == 0), colours_(image.channels - (has_alpha_ ? 1 : 0)) {}

  int64_t count() const { return image_.height * image_.width; }
  bool has_alpha() const { return has_alpha_; }
  bool white(int64_t i) const {
    return 2 * std::accumulate(at(i), at(i) + colours_, int64_t{0}) >= colours_ * image_.maximum();
  }
  bool opaque(int64_t i) const { return !has_alpha_ || 2 * at(i)[colours_] >= image_.maximum(); }
  bool empty(int64_t i) const { return has_alpha_ && at(i)[colours_] == 0; }

 private:
  const uint16_t* at(int64_t i) const { return image_.samples.data() + i * image_.channels; }

  const Image& image_;
  bool has_alpha_;
  int64_t colours_;
};

/// One sample's mask while it is drawn.
struct Canvas {
  float* values;
  int64_t height, width;

  void fill(const Box& box) {
    for (int64_t y = box.top; y < box.top + box.height; ++y) {
      std::fill_n(values + y * width + box.left, box.width, 1.0f);
    }
  }

  /// All pixels whose centres lie within `radius` of the line from (y0,x0) to (y1,x1): a thick line with round caps.
  void draw_line(double y0, double x0, double y1, double x1, double radius) {
    const auto low = [&](double a, double b) { return std::floor(std::min(a, b) - radius); };
    const auto high = [&](double a, double b) { return std::ceil(std::max(a, b) + radius); };
    const int64_t top = std::max<int64_t>(static_cast<int64_t>(low(y0, y1)), 0);
    const int64_t bottom = std::min<int64_t>(static_cast<int64_t>(high(y0, y1)), height - 1);
    const int64_t left = std::max<int64_t>(static_cast<int64_t>(low(x0, x1)), 0);
    const int64_t right = std::min<int64_t>(static_cast<int64_t>(high(x0, x1)), width - 1);
    const double dy = y1 - y0, dx = x1 - x0, length2 = dy * dy + dx * dx;
    for (int64_t y = top; y <= bottom; ++y) {
      for (int64_t x = left; x <= right; ++x) {
        const double py = static_cast<double>(y) - y0, px = static_cast<double>(x) - x0;
        const double along = length2 > 0 ? std::clamp((py * dy + px * dx) / length2, 0.0, 1.0) : 0;
        const double ey = py - along * dy, ex = px - along * dx;
        if (ey * ey + ex * ex <= radius * radius) values[y * width + x] = 1;
      }
    }
  }
};

/// A box of the given size at a random place that keeps the margin.
Box random_box(int64_t height, int64_t width, const Canvas& canvas, int64_t margin, Draws& draws) {
  const int64_t top = draws.integer(margin, canvas.height - margin - height);
  const int64_t left = draws.integer(margin, canvas.width - margin - width);
  return {top, left, height, width};
}

Box draw_box(const MaskOptions& options, Canvas& canvas, Draws& draws) {
  const Box box = random_box(options.hole_height, options.hole_width, canvas, options.margin, draws);
  const int64_t rows = draws.integer(0, options.max_shrink / 2), columns = draws.integer(0, options.max_shrink / 2);
  canvas.fill({box.top + rows, box.left + columns, box.height - 2 * rows, box.width - 2 * columns});
  return box;
}

void draw_boxes(const MaskOptions& options, Canvas& canvas, Draws& draws) {
  const auto side = [&](int64_t hole) {
    return draws.integer(std::max<int64_t>(hole / 4, 1), std::max<int64_t>(hole * 3 / 4, 1));
  };
  for (int i = 0; i < options.count; ++i) {
    const int64_t height = side(options.hole_height), width = side(options.hole_width);
    canvas.fill(random_box(height, width, canvas, options.margin, draws));
  }
}

/// One stroke as in "Free-Form Image Inpainting with Gated Convolution" (Yu et al., ICCV 2019, algorithm 1, with the
/// numbers of its released code): 4 to 12 segments that turn back and forth, lengths normal around an eighth of the
/// picture's diagonal, widths 12 to 40 pixels in a picture of 256.
void draw_stroke(Canvas& canvas, Draws& draws) {
  const double height = static_cast<double>(canvas.height), width = static_cast<double>(canvas.width);
  const double unit = std::min(height, width) / 256, mean_length = std::hypot(height, width) / 8;
  constexpr double full_turn = 2 * std::numbers::pi, mean_angle = full_turn / 5, angle_range = full_turn / 15;
  const int64_t segments = draws.integer(4, 12);
  const double least_angle = mean_angle - draws.uniform(0, angle_range);
  const double most_angle = mean_angle + draws.uniform(0, angle_range);
  const double radius = std::max(unit * draws.uniform(12, 40) / 2, 0.75);
  const double phase = draws.uniform(0, full_turn);
  double y = draws.uniform(0, height - 1), x = draws.uniform(0, width - 1);
  for (int64_t i = 0; i < segments; ++i) {
    const double turn = draws.uniform(least_angle, most_angle);
    const double angle = phase + (i % 2 == 0 ? full_turn - turn : turn);
    const double length = std::clamp(mean_length * (1 + draws.normal() / 2), 0.0, 2 * mean_length);
    const double to_y = std::clamp(y + length * std::sin(angle), 0.0, height - 1);
    const double to_x = std::clamp(x + length * std::cos(angle), 0.0, width - 1);
    canvas.draw_line(y, x, to_y, to_x, radius);
    y = to_y;
    x = to_x;
  }
}

void draw_strokes(const MaskOptions& options, Canvas& canvas, Draws& draws) {
  const int64_t strokes = draws.integer(1, options.count);
  for (int64_t i = 0; i < strokes; ++i) draw_stroke(canvas, draws);
}

/// Sum over [top, bottom) x [left, right) from inclusive prefix sums with a zero row and column before the first.
class PrefixSums {
 public:
  explicit PrefixSums(const Tensor& mask) : width_(mask.dim(2)) {
    const int64_t height = mask.dim(1);
    const float* values = mask.data<float>();
    sums_.resize(static_cast<size_t>((height + 1) * (width_ + 1)));
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width_; ++x) {
        const int64_t hole = values[y * width_ + x] > 0.5f;
        at(y + 1, x + 1) = hole + at(y, x + 1) + at(y + 1, x) - at(y, x);
      }
    }
  }

  int64_t sum(int64_t top, int64_t left, int64_t bottom, int64_t right) {
    return at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left);
  }

 private:
  int64_t& at(int64_t y, int64_t x) { return sums_[static_cast<size_t>(y * (width_ + 1) + x)]; }

  int64_t width_;
  std::vector<int64_t> sums_;
};

}  // namespace

HoleMaker::HoleMaker(MaskOptions options) : options_(std::move(options)) {
  const MaskOptions& o = options_;
  check(o.hole_height >= 1 && o.hole_width >= 1, "[masks] a hole of ", o.hole_height, " x ", o.hole_width, " is empty");
  check(o.max_shrink >= 0 && ((o.kind != Kind::box && o.kind != Kind::mixed) ||
                              o.max_shrink / 2 * 2 < std::min(o.hole_height, o.hole_width)),
        "[masks] a hole of ", o.hole_height, " x ", o.hole_width, " cannot shrink by up to ", o.max_shrink);
  check(o.margin >= 0, "[masks] a margin of ", o.margin, " is negative");
  check(o.count >= 1, "[masks] at least 1 hole is needed, not ", o.count);
  if (o.kind == Kind::folder) {
    check(!o.folder.empty(), "[masks] no folder of masks is given");
    files_ = list_pictures({o.folder});
  }
}

HoleBatch HoleMaker::operator()(int64_t n, int64_t height, int64_t width, const Philox& random, int64_t first) const {
  const MaskOptions& o = options_;
  check(n >= 1, "[masks] at least 1 sample is needed, not ", n);
  check(o.hole_height + 2 * o.margin <= height && o.hole_width + 2 * o.margin <= width, "[masks] a hole of ",
        o.hole_height, " x ", o.hole_width, " with a margin of ", o.margin, " does not fit into a picture of ", height,
        " x ", width);
  HoleBatch holes{Tensor::zeros({n, height, width, 1}), {}};
  for (int64_t i = 0; i < n; ++i) {
    Canvas canvas{holes.mask.data<float>() + i * height * width, height, width};
    // No sample draws near 2^32 numbers, so the samples' numbers stay apart.
    Draws draws(random, static_cast<uint64_t>(first + i) << 32);
    Box box;
    std::string origin;
    const Kind kind = o.kind == Kind::mixed ? simple_kinds[draws.integer(0, std::size(simple_kinds) - 1)] : o.kind;
    switch (kind) {
      case Kind::mixed:
        break;  // has been drawn
      case Kind::box:
        box = draw_box(o, canvas, draws);
        break;
      case Kind::boxes:
        draw_boxes(o, canvas, draws);
        break;
      case Kind::strokes:
        draw_strokes(o, canvas, draws);
        break;
      case Kind::folder: {
        const auto& file = files_[static_cast<size_t>(draws.integer(0, static_cast<int64_t>(files_.size()) - 1))];
        const Tensor mask = resize_mask(mask_of(read_image(file)), height, width);
        std::copy_n(mask.data<float>(), mask.numel(), canvas.values);
        origin = file.string() + ": ";
        break;
      }
    }
    const int64_t pixels = height * width;
    const int64_t missing = std::count(canvas.values, canvas.values + pixels, 1.0f);
    check(missing > 0, "[masks] ", origin, "the mask has no hole (white) pixel");
    check(missing < pixels, "[masks] ", origin, "the hole covers the whole picture of ", height, " x ", width);
    if (kind != Kind::box) {
      Tensor mask({1, height, width, 1});
      std::copy_n(canvas.values, pixels, mask.data<float>());
      box = hole_window(mask, o.hole_height, o.hole_width);
    }
    holes.boxes.push_back(box);
  }
  return holes;
}

HoleBatch make_holes(const MaskOptions& options, int64_t n, int64_t height, int64_t width, const Philox& random) {
  return HoleMaker(options)(n, height, width, random);
}

Box hole_window(const Tensor& mask, int64_t height, int64_t width) {
  check_mask(mask, "hole_window");
  check(height >= 1 && width >= 1 && height <= mask.dim(1) && width <= mask.dim(2), "[hole_window] no window of ",
        height, " x ", width, " lies within a mask of ", mask.dim(1), " x ", mask.dim(2));
  PrefixSums sums(mask);
  const Box bounds = hole_bounds(mask);
  Box best;
  // Compared: first the hole pixels covered, then twice the distances of the centres.
  std::tuple<int64_t, int64_t> best_rank{-1, 0};
  const int64_t lowest = mask.dim(1) - height, rightmost = mask.dim(2) - width;
  for (int64_t top = 0; top <= lowest; ++top) {
    for (int64_t left = 0; left <= rightmost; ++left) {
      const int64_t off = std::abs(2 * top + height - (2 * bounds.top + bounds.height)) +
                          std::abs(2 * left + width - (2 * bounds.left + bounds.width));
      const std::tuple rank{sums.sum(top, left, top + height, left + width), -off};
      if (rank > best_rank) {
        best_rank = rank;
        best = {top, left, height, width};
      }
    }
  }
  return best;
}

Box hole_bounds(const Tensor& mask) {
  check_mask(mask, "hole_bounds");
  const int64_t height = mask.dim(1), width = mask.dim(2);
  const float* values = mask.data<float>();
  int64_t top = height, left = width, bottom = 0, right = 0;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      if (values[y * width + x] < 0.5f) continue;
      top = std::min(top, y);
      left = std::min(left, x);
      bottom = y + 1;
      right = std::max(right, x + 1);
    }
  }
  return bottom == 0 ? Box{} : Box{top, left, bottom - top, right - left};
}

MaskPaint mask_paint(const Image& image) {
  const MaskPixels pixels(image);
  if (!pixels.has_alpha()) return MaskPaint::white;
  bool opaque_white = false, opaque_other = false, clear = false, empty_white = false, empty_other = false;
  for (int64_t i = 0; i < pixels.count(); ++i) {
    if (pixels.opaque(i)) {
      (pixels.white(i) ? opaque_white : opaque_other) = true;
    } else {
      clear = true;
      if (pixels.empty(i)) (pixels.white(i) ? empty_white : empty_other) = true;
    }
  }
  if (!clear || !(opaque_white || opaque_other)) return MaskPaint::white;
  return !opaque_other && empty_other && !empty_white ? MaskPaint::white_on_nothing : MaskPaint::transparent;
}

Tensor mask_of(const Image& image, MaskPaint paint, bool invert) {
  Tensor mask({1, image.height, image.width, 1});
  const MaskPixels pixels(image);
  for (int64_t i = 0; i < pixels.count(); ++i) {
    const bool hole =
        paint == MaskPaint::white ? pixels.white(i) : pixels.opaque(i) != (paint == MaskPaint::transparent);
    mask.data<float>()[i] = hole != invert ? 1.0f : 0.0f;
  }
  return mask;
}

Tensor grow_mask(const Tensor& mask, int64_t reach) {
  check_mask(mask, "grow_mask");
  check(reach >= 0, "[grow_mask] a hole grows by pixels, not by ", reach);
  if (reach == 0) return mask;
  const int64_t height = mask.dim(1), width = mask.dim(2);
  // Along each line, how far it is to the last hole pixel, first one way, then the other.
  const auto grow_lines = [reach](const Tensor& x, int64_t lines, int64_t length, int64_t pitch, int64_t step) {
    Tensor y = x.clone();
    for (int64_t l = 0; l < lines; ++l) {
      const float* from = x.data<float>() + l * pitch;
      float* to = y.data<float>() + l * pitch;
      for (const bool forwards : {true, false}) {
        int64_t since = reach + 1;
        for (int64_t k = 0; k < length; ++k) {
          const int64_t i = (forwards ? k : length - 1 - k) * step;
          since = from[i] > 0.5f ? 0 : since + 1;
          if (since <= reach) to[i] = 1;
        }
      }
    }
    return y;
  };
  return grow_lines(grow_lines(mask, height, width, width, 1), width, height, 1, width);
}

Tensor resize_mask(const Tensor& mask, int64_t height, int64_t width) {
  check_mask(mask, "resize_mask");
  check(height >= 1 && width >= 1, "[resize_mask] a mask of ", height, " x ", width, " is empty");
  const int64_t rows = mask.dim(1), columns = mask.dim(2);
  if (rows == height && columns == width) return mask;
  Tensor result({1, height, width, 1});
  float* to = result.data<float>();
  for (int64_t y = 0; y < height; ++y) {
    const float* from = mask.data<float>() + (2 * y + 1) * rows / (2 * height) * columns;
    for (int64_t x = 0; x < width; ++x) {
      *to++ = from[(2 * x + 1) * columns / (2 * width)];
    }
  }
  return result;
}

}  // namespace lacuna
