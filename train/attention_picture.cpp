#include "train/attention_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "train/flow_picture.h"

namespace lacuna {
namespace {

using Colour = std::array<uint16_t, 3>;
constexpr Colour white{255, 255, 255}, black{0, 0, 0};

/// What is drawn on; what lies beyond its border is left out.
struct Canvas {
  Image image;

  Canvas(int64_t height, int64_t width)
      : image{height, width, 3, 8, std::vector<uint16_t>(static_cast<size_t>(height * width * 3), 255)} {}

  void set(int64_t x, int64_t y, const Colour& colour) {
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
    std::copy_n(colour.begin(), 3, image.samples.begin() + 3 * (y * image.width + x));
  }
  void rectangle(int64_t x, int64_t y, int64_t width, int64_t height, const Colour& colour) {
    for (int64_t v = y; v < y + height; ++v) {
      for (int64_t u = x; u < x + width; ++u) set(u, v, colour);
    }
  }
  void disc(Pixel centre, int64_t radius, const Colour& colour) {
    for (int64_t v = -radius; v <= radius; ++v) {
      for (int64_t u = -radius; u <= radius; ++u) {
        if (u * u + v * v <= radius * radius) set(centre.x + u, centre.y + v, colour);
      }
    }
  }
  void line(Pixel from, Pixel to, int64_t radius, const Colour& colour) {
    const int64_t steps = std::max({std::abs(to.x - from.x), std::abs(to.y - from.y), int64_t{1}});
    for (int64_t i = 0; i <= steps; ++i) {
      disc({from.x + (to.x - from.x) * i / steps, from.y + (to.y - from.y) * i / steps}, radius, colour);
    }
  }
  /// Lines around the pixel, `radius` away from it.
  void square(Pixel centre, int64_t radius, int64_t thickness, const Colour& colour) {
    const int64_t side = 2 * radius + 1 + 2 * thickness, x = centre.x - radius - thickness,
                  y = centre.y - radius - thickness;
    rectangle(x, y, side, thickness, colour);
    rectangle(x, y + side - thickness, side, thickness, colour);
    rectangle(x, y, thickness, side, colour);
    rectangle(x + side - thickness, y, thickness, side, colour);
  }
  /// Digits and "px", each 3 x 5 squares of `scale` pixels.
  void text(const std::string& text, int64_t x, int64_t y, int64_t scale) {
    for (const char c : text) {
      const uint16_t rows = glyph(c);
      for (int bit = 0; bit < 15; ++bit) {
        if (rows >> (14 - bit) & 1) rectangle(x + bit % 3 * scale, y + bit / 3 * scale, scale, scale, black);
      }
      x += 4 * scale;
    }
  }

 private:
  static uint16_t glyph(char c) {
    static constexpr std::array<uint16_t, 10> digits{
        0b111101101101111, 0b010110010010111, 0b111001111100111, 0b111001111001111, 0b101101111001001,
        0b111100111001111, 0b111100111101111, 0b111001001010010, 0b111101111101111, 0b111101111001111};
    if (c >= '0' && c <= '9') return digits[static_cast<size_t>(c - '0')];
    return c == 'p' ? 0b000110101110100 : c == 'x' ? 0b000101010101000 : 0;
  }
};

/// A hole pixel and where it looks.
struct Way {
  Pixel from, to;
  int64_t cell = 1;  // side of what is under a position of the attention
};

/// A part's ways, by pixels of the picture.
class Ways {
 public:
  explicit Ways(const PartLook& look)
      : look_(look),
        rows_(static_cast<double>(look.part.crop.height) / static_cast<double>(look.height)),
        columns_(static_cast<double>(look.part.crop.width) / static_cast<double>(look.width)) {
    check(look.offsets.defined(), "[attention_picture] this model has no contextual attention");
  }

  bool has(Pixel p) const {
    const Box& crop = look_.part.crop;
    const int64_t x = p.x - crop.left, y = p.y - crop.top;
    return x >= 0 && y >= 0 && x < crop.width && y < crop.height && look_.mask.data<float>()[y * crop.width + x] > 0.5f;
  }
  Way from(Pixel p) const {
    const int64_t i = position(p.y - look_.part.crop.top, rows_, look_.offsets.dim(1));
    const int64_t j = position(p.x - look_.part.crop.left, columns_, look_.offsets.dim(2));
    const int32_t* target = look_.offsets.data<int32_t>() + 2 * (i * look_.offsets.dim(2) + j);
    return {p, {p.x + pixels(target[1] - j, columns_), p.y + pixels(target[0] - i, rows_)}, pixels(1, rows_)};
  }
  /// Calls visit with every `step`th pixel of the part's hole along each axis.
  template <typename F>
  void for_each(int64_t step, const F& visit) const {
    const Box& hole = look_.part.hole;
    for (int64_t y = hole.top + step / 2; y < hole.top + hole.height; y += step) {
      for (int64_t x = hole.left + step / 2; x < hole.left + hole.width; x += step) {
        if (has({x, y})) visit(Pixel{x, y});
      }
    }
  }
  Pixel middle() const {
    const Box& hole = look_.part.hole;
    return {hole.left + hole.width / 2, hole.top + hole.height / 2};
  }
  int64_t side() const { return std::min(look_.part.hole.height, look_.part.hole.width); }

 private:
  static int64_t position(int64_t pixel, double scale, int64_t positions) {
    return std::min(static_cast<int64_t>(static_cast<double>(pixel) / (scale * Generator::size_unit)), positions - 1);
  }
  static int64_t pixels(int64_t positions, double scale) {
    return std::lround(static_cast<double>(positions * Generator::size_unit) * scale);
  }

  const PartLook& look_;
  double rows_, columns_;  // pixels of the picture in one of the network's
};

double length(const Way& way) {
  return std::hypot(static_cast<double>(way.to.y - way.from.y), static_cast<double>(way.to.x - way.from.x));
}

Colour colour_of(const Way& way, double longest) {
  return flow_colour(static_cast<double>(way.to.y - way.from.y) / longest,
                     static_cast<double>(way.to.x - way.from.x) / longest);
}

/// Pixels inside the holes: one of each part, then those farthest from the ones before.
std::vector<Pixel> spread(const std::vector<Ways>& parts) {
  constexpr size_t count = 6;
  std::vector<Pixel> candidates, chosen;
  for (const Ways& ways : parts) {
    const size_t before = candidates.size();
    for (int64_t step = std::max<int64_t>(ways.side() / 4, 1); candidates.size() == before; step /= 2) {
      ways.for_each(step, [&](Pixel p) { candidates.push_back(p); });
    }
    chosen.push_back(
        *std::min_element(candidates.begin() + static_cast<int64_t>(before), candidates.end(), [&](Pixel a, Pixel b) {
          return length({ways.middle(), a}) < length({ways.middle(), b});
        }));
  }
  std::vector<double> distance(candidates.size(), INFINITY);
  const auto keep_off = [&](Pixel from) {
    for (size_t i = 0; i < candidates.size(); ++i) distance[i] = std::min(distance[i], length({from, candidates[i]}));
  };
  for (const Pixel& p : chosen) keep_off(p);
  while (chosen.size() < count) {
    const auto farthest = std::max_element(distance.begin(), distance.end());
    if (*farthest == 0) break;
    chosen.push_back(candidates[static_cast<size_t>(farthest - distance.begin())]);
    keep_off(chosen.back());
  }
  return chosen;
}

}  // namespace

Image attention_picture(const Image& picture, const std::vector<PartLook>& looks, const std::vector<Pixel>& chosen) {
  const std::vector<Ways> parts(looks.begin(), looks.end());
  double longest = 1;
  for (const Ways& ways : parts) {
    ways.for_each(1, [&](Pixel p) { longest = std::max(longest, length(ways.from(p))); });
  }

  const int64_t least = std::min(picture.height, picture.width);
  const int64_t radius = std::clamp<int64_t>(least / 8, 16, 250), gap = radius / 4, scale = radius / 16;
  Canvas canvas(std::max(picture.height, 2 * radius + 3 * gap + 5 * scale), picture.width + 2 * (radius + gap));
  const Image rgb = to_image(to_tensor(picture));
  for (int64_t p = 0; p < picture.height * picture.width; ++p) {
    const uint16_t* s = rgb.samples.data() + 3 * p;
    const auto grey = static_cast<uint16_t>(128 + (299 * s[0] + 587 * s[1] + 114 * s[2]) / 2000);
    canvas.set(p % picture.width, p / picture.width, {grey, grey, grey});
  }
  for (const Ways& ways : parts) {
    ways.for_each(1, [&](Pixel p) { canvas.set(p.x, p.y, colour_of(ways.from(p), longest)); });
  }

  const Pixel wheel{picture.width + gap + radius, gap + radius};
  for (int64_t v = -radius; v <= radius; ++v) {
    for (int64_t u = -radius; u <= radius; ++u) {
      const double r = static_cast<double>(radius), down = static_cast<double>(v) / r,
                   right = static_cast<double>(u) / r;
      if (std::hypot(down, right) <= 1) canvas.set(wheel.x + u, wheel.y + v, flow_colour(down, right));
    }
  }
  const std::string reach = std::to_string(std::lround(longest)) + "px";
  canvas.text(reach, wheel.x - static_cast<int64_t>(reach.size()) * 2 * scale, 2 * (gap + radius), scale);

  const int64_t thin = std::max<int64_t>(least / 600, 0), edge = thin + std::max<int64_t>(least / 400, 1);
  for (const Pixel& p : chosen.empty() ? spread(parts) : chosen) {
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const Ways& ways) { return ways.has(p); });
    check(part != parts.end(), "[attention_picture] (", p.x, ",", p.y, ") is in no hole");
    const Way way = part->from(p);
    canvas.line(way.from, way.to, edge, black);
    canvas.square(way.to, way.cell / 2, 2 * edge + 1, black);
    canvas.disc(way.from, 2 * edge + 2, black);
    canvas.line(way.from, way.to, thin, white);
    canvas.square(way.to, way.cell / 2 + edge - thin, 2 * thin + 1, white);
    canvas.disc(way.from, edge + 2, colour_of(way, longest));
  }
  return canvas.image;
}

}  // namespace lacuna
