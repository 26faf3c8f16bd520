#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/image_resize.h"
#include "tests/support/compare.h"

namespace lacuna {
namespace {

Image noise(int64_t height, int64_t width, int64_t channels, int bits) {
  Image image{height, width, channels, bits, {}};
  uint32_t state = 1;
  for (int64_t i = 0; i < height * width * channels; ++i) {
    state = state * 1664525u + 1013904223u;
    image.samples.push_back(static_cast<uint16_t>((state >> 16) & static_cast<uint32_t>(image.maximum())));
  }
  return image;
}

/// The definition: each axis weighted with the triangle of half-width max(1, in / out) around the source position.
std::vector<double> weights(int64_t in, int64_t out, int64_t i) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
  std::vector<double> w;
  for (int64_t j = 0; j < in; ++j) {
    w.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(j) - centre) / std::max(1.0, scale)));
  }
  const double sum = std::accumulate(w.begin(), w.end(), 0.0);
  for (double& value : w) value /= sum;
  return w;
}

}  // namespace

TEST_CASE("image_resize: the triangle filter, on both depths and any number of channels") {
  for (const int bits : {8, 16}) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      const Image image = noise(13, 9, channels, bits);
      for (const auto& [height, width] : {std::pair<int64_t, int64_t>{5, 4}, {26, 20}, {12, 10}, {13, 3}, {1, 1}}) {
        const Image result = resize_image(image, height, width);
        REQUIRE(result.samples.size() == static_cast<size_t>(height * width * channels));
        CHECK(result.bits == bits);
        double worst = 0;
        for (int64_t y = 0; y < height; ++y) {
          const auto wy = weights(13, height, y);
          for (int64_t x = 0; x < width; ++x) {
            const auto wx = weights(9, width, x);
            for (int64_t c = 0; c < channels; ++c) {
              double expected = 0;
              for (int64_t r = 0; r < 13; ++r) {
                for (int64_t q = 0; q < 9; ++q) {
                  expected += wy[static_cast<size_t>(r)] * wx[static_cast<size_t>(q)] *
                              image.samples[static_cast<size_t>((r * 9 + q) * channels + c)];
                }
              }
              const double value = result.samples[static_cast<size_t>((y * width + x) * channels + c)];
              worst = std::max(worst, std::abs(value - expected));
            }
          }
        }
        CHECK(worst <= 0.52);  // rounding to a sample, and f32 arithmetic
      }
    }
  }
}

TEST_CASE("image_resize: the same size is the same picture, plain stays plain") {
  const Image image = noise(7, 5, 3, 8);
  CHECK(resize_image(image, 7, 5).samples == image.samples);
  const Image plain{6, 6, 1, 8, std::vector<uint16_t>(36, 201)};
  for (const int64_t side : {1, 4, 17}) {
    const Image result = resize_image(plain, side, side + 1);
    CHECK(std::all_of(result.samples.begin(), result.samples.end(), [](uint16_t v) { return v == 201; }));
  }
}

TEST_CASE("image_resize: values are resized as samples of 16 bits are") {
  const Image image = noise(7, 5, 3, 16);
  CHECK(to_image(resize_values(to_tensor(image), 9, 3), 16).samples == resize_image(image, 9, 3).samples);
  const Tensor beyond = Tensor::full({1, 4, 4, 3}, 1.5);
  CHECK(resize_values(beyond, 4, 4).data<float>() == beyond.data<float>());
  CHECK(resize_values(beyond, 2, 2).data<float>()[0] == 1);
}

TEST_CASE("image_resize: a crop is the part of the picture") {
  const Image image = noise(7, 5, 3, 16);
  const Image part = crop_image(image, 2, 1, 4, 3);
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < 9; ++x) {
      CHECK(part.samples[static_cast<size_t>(y * 9 + x)] == image.samples[static_cast<size_t>((y + 2) * 15 + 3 + x)]);
    }
  }
  CHECK(test::error_of([&] { crop_image(image, 4, 0, 4, 3); }) ==
        "[crop_image] the rectangle of 4 x 3 at (4,0) is not within a picture of 7 x 5");
  CHECK(test::error_of([&] { resize_image(image, 0, 3); }) == "[image] resize_image: the picture is empty: 0 x 3");
}

}  // namespace lacuna
