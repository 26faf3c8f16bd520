#include <algorithm>
#include <cmath>

#include "tests/support/compare.h"
#include "train/attention_picture.h"
#include "train/flow_picture.h"

namespace lacuna {
namespace {

Image grey(int64_t height, int64_t width) {
  return {height, width, 3, 8, std::vector<uint16_t>(static_cast<size_t>(height * width * 3), 100)};
}

/// A hole of 16 x 16 at (40, 56) of a crop of 64 x 64 at (32, 32), seen at half its size: 4 x 4 positions of 16 pixels,
/// which all look at the first of them.
PartLook look() {
  Tensor mask = Tensor::zeros({1, 64, 64, 1});
  for (int64_t y = 8; y < 24; ++y) std::fill_n(mask.data<float>() + y * 64 + 24, 16, 1.0f);
  Tensor offsets({1, 4, 4, 2}, DType::i32);
  std::fill_n(offsets.data<int32_t>(), 32, 0);
  PartLook look{
      .part = {.hole = {40, 56, 16, 16}, .crop = {32, 32, 64, 64}, .reduction = 2}, .mask = mask, .offsets = offsets};
  look.height = look.width = 32;
  return look;
}

std::vector<int> pixel(const Image& image, int64_t x, int64_t y) {
  const auto first = image.samples.begin() + 3 * (y * image.width + x);
  return {first, first + 3};
}

int64_t count(const Image& image, const std::vector<int>& colour) {
  int64_t n = 0;
  for (int64_t p = 0; p < image.height * image.width; ++p)
    n += pixel(image, p % image.width, p / image.width) == colour;
  return n;
}

}  // namespace

TEST_CASE("attention_picture: pale picture, coloured hole, wheel, and lines to where pixels look") {
  const Image shown = attention_picture(grey(100, 200), {look()}, {{60, 44}});
  CHECK(shown.height == 100);
  CHECK(shown.width == 240);
  CHECK(pixel(shown, 5, 5) == std::vector<int>{178, 178, 178});
  // The lower right of the hole looks 16 pixels up and 32 to the left, the longest way; so does the line's end.
  const auto colour = flow_colour(-16 / std::hypot(16, 32), -32 / std::hypot(16, 32));
  CHECK(pixel(shown, 71, 55) == std::vector<int>(colour.begin(), colour.end()));
  CHECK(pixel(shown, 60 - 8, 44) == std::vector<int>{255, 255, 255});
  // To the right of the wheel's middle is red.
  CHECK(pixel(shown, 200 + 4 + 16, 4 + 16) == std::vector<int>{255, 255, 255});
  const auto red = pixel(shown, 200 + 4 + 16 + 15, 4 + 16);
  CHECK(red[0] == 255);
  CHECK(red[2] < 40);
}

TEST_CASE(
    "attention_picture: without chosen pixels a few are; other pixels are refused; small pictures have the wheel") {
  const std::vector<int> black{0, 0, 0};
  CHECK(count(attention_picture(grey(100, 200), {look()}, {}), black) >
        count(attention_picture(grey(100, 200), {look()}, {{60, 44}}), black));
  CHECK(test::error_of([] {
          attention_picture(grey(100, 200), {look()}, {{3, 4}});
        }) == "[attention_picture] (3,4) is in no hole");
  PartLook blind = look();
  blind.offsets = Tensor();
  CHECK(test::error_of([&] { attention_picture(grey(100, 200), {blind}, {}); }) ==
        "[attention_picture] this model has no contextual attention");
  PartLook corner = look();
  corner.part.hole = {8, 24, 16, 16};
  corner.part.crop = {0, 0, 64, 64};
  CHECK(attention_picture(grey(64, 64), {corner}, {}).height >= 64);
  CHECK(attention_picture(grey(64, 64), {corner}, {}).width == 64 + 40);
}

}  // namespace lacuna
