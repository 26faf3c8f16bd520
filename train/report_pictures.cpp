#include "train/report_pictures.h"

#include <algorithm>
#include <cmath>

#include "tensor/image_resize.h"
#include "train/inpaint.h"

namespace lacuna {
namespace {

constexpr size_t most_small = 200;
constexpr int64_t small_side = 160, large_side = 512;

std::string jpeg(const Image& image, int64_t side, int quality) {
  const int64_t longer = std::max(image.height, image.width);
  if (longer <= side) return encode_image(image, "picture.jpg", quality);
  const auto scaled = [&](int64_t n) { return std::max<int64_t>((n * side + longer / 2) / longer, 1); };
  return encode_image(resize_image(image, scaled(image.height), scaled(image.width)), "picture.jpg", quality);
}

}  // namespace

ReportPictures::ReportPictures(size_t total, size_t extremes)
    : every_(std::max<size_t>((total + most_small - 1) / most_small, 1)), extremes_(std::min(extremes, total)) {}

void ReportPictures::add(size_t index, std::optional<double> error, const Image& original, const Tensor& mask,
                         const std::vector<Image>& fills) {
  std::vector<Image> pictures{original, with_holes(original, mask)};
  pictures.insert(pictures.end(), fills.begin(), fills.end());
  const auto files = [&](int64_t side, int quality) {
    std::vector<std::string> all;
    for (const Image& picture : pictures) all.push_back(jpeg(picture, side, quality));
    return all;
  };
  if (index % every_ == 0) small_.emplace(index, files(small_side, 80));
  if (!error || !std::isfinite(*error) || extremes_ == 0) return;
  ranked_.emplace(*error, Shown{index, files(large_side, 90)});
  forget_the_middle();
}

void ReportPictures::forget_the_middle() {
  if (ranked_.size() > 2 * extremes_) ranked_.erase(std::next(ranked_.begin(), static_cast<std::ptrdiff_t>(extremes_)));
}

std::vector<ReportPictures::Shown> ReportPictures::worst() const {
  std::vector<Shown> shown;
  const size_t count = std::min(extremes_, (ranked_.size() + 1) / 2);
  for (auto entry = ranked_.rbegin(); shown.size() < count; ++entry) shown.push_back(entry->second);
  return shown;
}

std::vector<ReportPictures::Shown> ReportPictures::best() const {
  std::vector<Shown> shown;
  const size_t count = std::min(extremes_, ranked_.size() / 2);
  for (auto entry = ranked_.begin(); shown.size() < count; ++entry) shown.push_back(entry->second);
  return shown;
}

}  // namespace lacuna
