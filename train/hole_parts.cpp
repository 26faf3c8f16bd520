#include "train/hole_parts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

namespace lacuna {
namespace {

/// A hole may be so much wider than those in training before its surroundings are reduced: a fill at another scale
/// costs more detail than so much width.
constexpr double tolerance = 1.25;
/// Reduced more often than that, a fill is a blur.
constexpr double largest_reduction = 4;

int64_t end_row(const Box& b) { return b.top + b.height; }
int64_t end_column(const Box& b) { return b.left + b.width; }

/// The smallest box that holds the hole's pixels in `box`; of no rows where there are none.
Box shrunk(const Tensor& mask, const Box& box) {
  const float* hole = mask.data<float>();
  const int64_t columns = mask.dim(2);
  int64_t top = end_row(box), bottom = box.top, left = end_column(box), right = box.left;
  for (int64_t y = box.top; y < end_row(box); ++y) {
    const float* row = hole + y * columns;
    const float* first = std::find_if(row + box.left, row + end_column(box), [](float v) { return v > 0.5f; });
    if (first == row + end_column(box)) continue;
    top = std::min(top, y);
    bottom = y + 1;
    left = std::min(left, first - row);
    int64_t last = end_column(box) - 1;
    while (row[last] <= 0.5f) --last;
    right = std::max(right, last + 1);
  }
  return {top, left, std::max<int64_t>(bottom - top, 0), std::max<int64_t>(right - left, 0)};
}

/// The boxes of the holes, those less than a cell apart, sometimes two, as one: the cells with a hole in them, joined
/// to their eight neighbours.
std::vector<Box> groups(const Tensor& mask, int64_t cell) {
  const int64_t height = mask.dim(1), width = mask.dim(2);
  const int64_t rows = (height + cell - 1) / cell, columns = (width + cell - 1) / cell;
  std::vector<uint8_t> waiting(static_cast<size_t>(rows * columns));
  const float* hole = mask.data<float>();
  for (int64_t p = 0; p < height * width; ++p) {
    if (hole[p] > 0.5f) waiting[static_cast<size_t>(p / width / cell * columns + p % width / cell)] = 1;
  }
  std::vector<Box> boxes;
  std::vector<std::array<int64_t, 2>> open;
  for (int64_t start = 0; start < rows * columns; ++start) {
    if (waiting[static_cast<size_t>(start)] == 0) continue;
    int64_t top = rows, left = columns, bottom = 0, right = 0;
    waiting[static_cast<size_t>(start)] = 0;
    open.push_back({start / columns, start % columns});
    while (!open.empty()) {
      const auto [y, x] = open.back();
      open.pop_back();
      top = std::min(top, y), bottom = std::max(bottom, y + 1);
      left = std::min(left, x), right = std::max(right, x + 1);
      for (int64_t v = std::max<int64_t>(y - 1, 0); v < std::min(y + 2, rows); ++v) {
        for (int64_t u = std::max<int64_t>(x - 1, 0); u < std::min(x + 2, columns); ++u) {
          uint8_t& w = waiting[static_cast<size_t>(v * columns + u)];
          if (w == 0) continue;
          w = 0;
          open.push_back({v, u});
        }
      }
    }
    const int64_t y = top * cell, x = left * cell;
    boxes.push_back(shrunk(mask, {y, x, std::min(bottom * cell, height) - y, std::min(right * cell, width) - x}));
  }
  return boxes;
}

/// Sets the part's thickness: twice the largest distance of one of its pixels to a known pixel, less one. Beyond the
/// picture's border nothing is known.
void measure_thickness(const Tensor& mask, HolePart& part) {
  const Box& box = part.hole;
  const int64_t height = mask.dim(1), width = mask.dim(2);
  const int32_t far = static_cast<int32_t>(height + width);
  const float* hole = mask.data<float>();
  const int64_t top = std::max<int64_t>(box.top - 1, 0), left = std::max<int64_t>(box.left - 1, 0);
  const int64_t rows = std::min(end_row(box) + 1, height) - top, columns = std::min(end_column(box) + 1, width) - left;
  std::vector<int32_t> distance(static_cast<size_t>(rows * columns));
  const auto at = [&](int64_t y, int64_t x) -> int32_t& { return distance[static_cast<size_t>(y * columns + x)]; };
  // The neighbours above and to the left, then those below and to the right (a chamfer distance; Rosenfeld and Pfaltz).
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      at(y, x) = hole[(top + y) * width + left + x] > 0.5f ? far : 0;
      for (const auto& [dy, dx] : {std::array<int64_t, 2>{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}}) {
        if (y + dy >= 0 && x + dx >= 0 && x + dx < columns) at(y, x) = std::min(at(y, x), at(y + dy, x + dx) + 1);
      }
    }
  }
  int32_t largest = 0;
  for (int64_t y = rows - 1; y >= 0; --y) {
    for (int64_t x = columns - 1; x >= 0; --x) {
      for (const auto& [dy, dx] : {std::array<int64_t, 2>{1, 1}, {1, 0}, {1, -1}, {0, 1}}) {
        if (y + dy < rows && x + dx >= 0 && x + dx < columns) at(y, x) = std::min(at(y, x), at(y + dy, x + dx) + 1);
      }
      if (at(y, x) <= largest) continue;
      largest = at(y, x);
      part.widest_row = top + y;
      part.widest_column = left + x;
    }
  }
  part.thickness = std::min(std::max<int64_t>(2 * int64_t{largest} - 1, 0), std::max(box.height, box.width));
}

/// [start, start + length) with `margin` on both sides, at least `least` long, moved and cut to fit into [0, size).
std::pair<int64_t, int64_t> surroundings(int64_t start, int64_t length, int64_t margin, int64_t least, int64_t size) {
  const int64_t wanted = std::min(std::max(length + 2 * margin, least), size);
  return {std::clamp<int64_t>(start - (wanted - length) / 2, 0, size - wanted), wanted};
}

bool nothing_known(const Tensor& mask, const Box& box) {
  const float* hole = mask.data<float>();
  for (int64_t y = box.top; y < end_row(box); ++y) {
    const float* row = hole + y * mask.dim(2);
    if (!std::all_of(row + box.left, row + end_column(box), [](float v) { return v > 0.5f; })) return false;
  }
  return true;
}

/// Plans parts one after the other.
struct Planner {
  const Tensor& mask;
  Strategy strategy;
  TrainedSize trained;
  std::vector<HolePart> parts = {};

  /// As many pixels of the picture as are `pixels` of the network's input.
  static int64_t scaled(const HolePart& part, int64_t pixels) {
    return static_cast<int64_t>(std::ceil(part.reduction * static_cast<double>(pixels)));
  }

  Box surroundings_of(const HolePart& part) const {
    const int64_t least = scaled(part, trained.picture);
    // At least one pixel, at which the seam is blended.
    const int64_t margin = std::max<int64_t>(1, scaled(part, (trained.picture - trained.hole) / 2));
    const auto [top, height] = surroundings(part.hole.top, part.hole.height, margin, least, mask.dim(1));
    const auto [left, width] = surroundings(part.hole.left, part.hole.width, margin, least, mask.dim(2));
    return {top, left, height, width};
  }

  void add(const Box& within) {
    const Box box = shrunk(mask, within);
    if (box.height == 0) return;
    const Box everywhere{0, 0, mask.dim(1), mask.dim(2)};
    HolePart part{.hole = box, .crop = everywhere};
    measure_thickness(mask, part);
    const double side = static_cast<double>(part.thickness) / static_cast<double>(trained.hole);
    if (strategy == Strategy::original) {
      parts.push_back(part);
      return;
    }
    if (strategy != Strategy::crop && side > tolerance) part.reduction = side;

    const int64_t longest = std::max(scaled(part, trained.picture * 3 / 2), 2 * part.thickness);
    if (std::max(box.height, box.width) > longest) {
      const bool across = box.height >= box.width;
      Box first = box, second = box;
      (across ? first.height : first.width) /= 2;
      (across ? second.top : second.left) += across ? first.height : first.width;
      (across ? second.height : second.width) -= across ? first.height : first.width;
      add(first);
      add(second);
      return;
    }
    part.crop = surroundings_of(part);
    while (part.crop != everywhere && nothing_known(mask, part.crop)) {
      part.reduction *= 2;
      part.crop = surroundings_of(part);
    }
    parts.push_back(part);
  }
};

int64_t side_in(const std::map<std::string, std::string>& metadata, const std::string& key, int64_t otherwise) {
  const auto entry = metadata.find(key);
  int64_t side = 0;
  if (entry == metadata.end()) return otherwise;
  std::from_chars(entry->second.data(), entry->second.data() + entry->second.size(), side);
  return side > 0 ? side : otherwise;
}

}  // namespace

const std::map<std::string, Strategy>& strategies() {
  static const std::map<std::string, Strategy> names{{"auto", Strategy::automatic},
                                                     {"original", Strategy::original},
                                                     {"crop", Strategy::crop},
                                                     {"resize", Strategy::resize}};
  return names;
}

TrainedSize trained_size(const std::map<std::string, std::string>& metadata) {
  TrainedSize size;
  size.picture = side_in(metadata, "trained_picture", size.picture);
  size.hole = std::min(side_in(metadata, "trained_hole", size.hole), size.picture);
  return size;
}

std::vector<HolePart> hole_parts(const Tensor& mask, Strategy strategy, const TrainedSize& trained) {
  const Box everywhere{0, 0, mask.dim(1), mask.dim(2)};
  if (strategy == Strategy::original ||
      (strategy == Strategy::automatic && std::max(everywhere.height, everywhere.width) <= 2 * trained.picture)) {
    Planner whole{mask, Strategy::original, trained};
    whole.add(everywhere);
    const bool fits = std::all_of(whole.parts.begin(), whole.parts.end(), [&](const HolePart& part) {
      return static_cast<double>(part.thickness) <= tolerance * static_cast<double>(trained.hole);
    });
    if (strategy == Strategy::original || fits) return whole.parts;
  }
  Planner planner{mask, strategy, trained};
  for (const Box& box : groups(mask, std::max<int64_t>(trained.hole / 4, 1))) planner.add(box);
  return planner.parts;
}

std::string hole_warning(const std::vector<HolePart>& parts, const TrainedSize& trained) {
  const auto widest = std::max_element(parts.begin(), parts.end(),
                                       [](const HolePart& a, const HolePart& b) { return a.thickness < b.thickness; });
  if (widest == parts.end()) return "";
  const double side = static_cast<double>(widest->thickness) / static_cast<double>(trained.hole);
  const bool reduced = widest->reduction > 1;
  if (side <= (reduced ? largest_reduction : tolerance)) return "";
  std::ostringstream text;
  text.precision(2);
  text << "a hole is " << widest->thickness << " pixels wide at (" << widest->widest_column << "," << widest->widest_row
       << "), " << side << " times what the model was trained with: its middle will be "
       << (reduced ? "a blur; leave more of the picture known, or reduce it first (--max-side)"
                   : "arbitrary; --strategy resize fills it at a smaller size");
  return text.str();
}

}  // namespace lacuna
