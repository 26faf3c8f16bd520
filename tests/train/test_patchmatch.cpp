#include <algorithm>
#include <cmath>

#include "tests/support/compare.h"
#include "train/masks.h"
#include "train/patchmatch.h"

namespace lacuna {
namespace {

Tensor box_mask(int64_t height, int64_t width, Box box) {
  Tensor mask = Tensor::zeros({1, height, width, 1});
  for (int64_t y = box.top; y < box.top + box.height; ++y) {
    for (int64_t x = box.left; x < box.left + box.width; ++x) mask.data<float>()[y * width + x] = 1;
  }
  return mask;
}

/// A pattern that repeats every `period` pixels in both directions.
Image tiles(int64_t height, int64_t width, int64_t period) {
  Image image{height, width, 3, 8, {}};
  for (int64_t p = 0; p < height * width; ++p) {
    const int64_t y = p / width % period, x = p % width % period;
    for (const int64_t v : {255 * y / period, 255 * x / period, 40 + 30 * ((x + y) % 4)}) {
      image.samples.push_back(static_cast<uint16_t>(v));
    }
  }
  return image;
}

/// White where the mask is 1.
Image without(Image image, const Tensor& mask) {
  for (size_t i = 0; i < image.samples.size(); ++i) {
    if (mask.at(static_cast<int64_t>(i) / image.channels) == 1) image.samples[i] = 255;
  }
  return image;
}

double mean_difference(const Image& a, const Image& b, const Tensor& mask) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < a.samples.size(); ++i) {
    if (mask.at(static_cast<int64_t>(i) / a.channels) == 0) continue;
    sum += std::abs(a.samples[i] - b.samples[i]);
    ++count;
  }
  return sum / count;
}

}  // namespace

TEST_CASE("patchmatch: continues a pattern, and touches nothing else") {
  const Image truth = tiles(72, 80, 8);
  for (const Box box : {Box{20, 24, 30, 28}, Box{0, 0, 24, 24}, Box{44, 50, 28, 30}}) {
    const Tensor mask = box_mask(72, 80, box);
    const Image filled = fill_by_patchmatch(without(truth, mask), mask);
    CHECK(mean_difference(filled, truth, mask) < 4);
    CHECK(mean_difference(without(truth, mask), truth, mask) > 80);
    for (size_t i = 0; i < truth.samples.size(); ++i) {
      if (mask.at(static_cast<int64_t>(i) / 3) == 0) REQUIRE(filled.samples[i] == truth.samples[i]);
    }
  }
}

TEST_CASE("patchmatch: what lies in the hole is not looked at, and the seed is all that is random") {
  const Image truth = tiles(40, 48, 7);
  const Tensor mask = box_mask(40, 48, {10, 12, 16, 20});
  const Image filled = fill_by_patchmatch(truth, mask);
  CHECK(fill_by_patchmatch(without(truth, mask), mask).samples == filled.samples);
  CHECK(fill_by_patchmatch(truth, mask).samples == filled.samples);
}

TEST_CASE("patchmatch: grey, alpha, 16 bits, tiny pictures and holes of any shape") {
  for (const int64_t channels : {1, 2, 3, 4}) {
    Image image{30, 26, channels, 16, {}};
    for (int64_t i = 0; i < 30 * 26 * channels; ++i) image.samples.push_back(static_cast<uint16_t>(i * 997 % 65536));
    const Tensor mask = box_mask(30, 26, {4, 5, 12, 9});
    const Image filled = fill_by_patchmatch(image, mask, {.rounds = 4});
    CHECK(filled.channels == channels);
    CHECK(filled.bits == 16);
    CHECK(filled.samples != image.samples);
  }
  // One known pixel, no whole patch known, lines of one pixel: there is always something to take.
  const Image small = tiles(5, 9, 3);
  for (const Box box : {Box{0, 0, 5, 8}, Box{0, 1, 5, 8}, Box{0, 0, 4, 9}, Box{2, 4, 1, 1}}) {
    const Tensor mask = box_mask(5, 9, box);
    CHECK(fill_by_patchmatch(small, mask).samples.size() == small.samples.size());
  }
  const Image line = tiles(1, 40, 5);
  CHECK(fill_by_patchmatch(line, box_mask(1, 40, {0, 10, 1, 12})).width == 40);
  CHECK(fill_by_patchmatch(small, Tensor::zeros({1, 5, 9, 1})).samples == small.samples);
}

TEST_CASE("patchmatch: a hole that leaves a thin frame") {
  const Image truth = tiles(200, 200, 8);
  const Tensor mask = box_mask(200, 200, {3, 3, 194, 194});
  const Image filled = fill_by_patchmatch(truth, mask, {.rounds = 2, .sweeps = 1});
  CHECK(filled.samples.size() == truth.samples.size());
}

TEST_CASE("patchmatch: errors say what is wrong") {
  const Image image = tiles(6, 6, 3);
  CHECK(test::error_of([&] {
          fill_by_patchmatch(image, Tensor::full({1, 6, 6, 1}, 1));
        }).starts_with("[patchmatch] the hole is the whole picture"));
  CHECK(test::error_of([&] {
          fill_by_patchmatch(image, Tensor::zeros({1, 6, 7, 1}));
        }) == "[patchmatch] the mask is (1,6,7,1), the picture 6x6");
  for (const PatchMatchOptions& options : {PatchMatchOptions{.patch = 4}, PatchMatchOptions{.rounds = 0}}) {
    CHECK(test::error_of([&] {
            fill_by_patchmatch(image, Tensor::zeros({1, 6, 6, 1}), options);
          }).starts_with("[patchmatch] expects patches with an odd side"));
  }
}

}  // namespace lacuna
