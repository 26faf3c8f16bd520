#include "train/flow_picture.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace lacuna {
namespace {

using Colour = std::array<double, 3>;  // in [0,1]

/// The wheel's hues: from red over yellow, green, cyan, blue and magenta back, in steps that look alike.
std::vector<Colour> colour_wheel() {
  struct Arc {
    int steps;
    Colour from, to;
  };
  const Arc arcs[] = {{15, {1, 0, 0}, {1, 1, 0}}, {6, {1, 1, 0}, {0, 1, 0}},  {4, {0, 1, 0}, {0, 1, 1}},
                      {11, {0, 1, 1}, {0, 0, 1}}, {13, {0, 0, 1}, {1, 0, 1}}, {6, {1, 0, 1}, {1, 0, 0}}};
  std::vector<Colour> wheel;
  for (const Arc& arc : arcs) {
    for (int i = 0; i < arc.steps; ++i) {
      Colour c;
      for (size_t k = 0; k < 3; ++k) c[k] = arc.from[k] + (arc.to[k] - arc.from[k]) * i / arc.steps;
      wheel.push_back(c);
    }
  }
  return wheel;
}

}  // namespace

std::array<uint16_t, 3> flow_colour(double down, double right) {
  static const std::vector<Colour> wheel = colour_wheel();
  const double radius = std::hypot(down, right), angle = std::atan2(-down, -right) / std::numbers::pi;  // [-1,1]
  const double place = (angle + 1) / 2 * static_cast<double>(wheel.size() - 1);
  const size_t first = static_cast<size_t>(place), second = (first + 1) % wheel.size();
  const double fraction = place - static_cast<double>(first);
  std::array<uint16_t, 3> colour{};
  for (size_t k = 0; k < 3; ++k) {
    const double hue = (1 - fraction) * wheel[first][k] + fraction * wheel[second][k];
    colour[k] = static_cast<uint16_t>(std::lround(255 * (1 - std::min(radius, 1.0) * (1 - hue))));
  }
  return colour;
}

Image flow_picture(const Tensor& offsets, int64_t cell, int64_t height, int64_t width) {
  check(offsets.defined() && offsets.rank() == 4 && offsets.dim(3) == 2 && cell >= 1,
        "[flow_picture] there are no offsets");
  const int64_t rows = offsets.dim(1), columns = offsets.dim(2);
  const int32_t* target = offsets.data<int32_t>();
  const auto displacement = [&](int64_t i, int64_t j) {
    const int32_t* t = target + 2 * (i * columns + j);
    return std::pair{static_cast<double>(t[0] - i), static_cast<double>(t[1] - j)};
  };
  double largest = 1;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      const auto [down, right] = displacement(i, j);
      largest = std::max(largest, std::hypot(down, right));
    }
  }
  Image picture{.height = height, .width = width, .channels = 3, .bits = 8, .samples = {}};
  picture.samples.reserve(static_cast<size_t>(height * width * 3));
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const auto [down, right] = displacement(std::min(y / cell, rows - 1), std::min(x / cell, columns - 1));
      const auto colour = flow_colour(down / largest, right / largest);
      picture.samples.insert(picture.samples.end(), colour.begin(), colour.end());
    }
  }
  return picture;
}

}  // namespace lacuna
