#include <algorithm>
#include <cmath>

#include "autograd/tape.h"
#include "tests/support/compare.h"
#include "train/fill_holes.h"
#include "train/seam.h"

namespace lacuna {
namespace {

/// A tiny network that takes 32 x 32 pictures with holes of 16 for what it was trained with.
Model tiny_model() { return {Generator({.cnum = 2}, 5), "rgb", {{"trained_picture", "32"}, {"trained_hole", "16"}}}; }

Image noise(int64_t height, int64_t width, int64_t channels, int bits) {
  Image image{height, width, channels, bits, {}};
  uint32_t state = 7;
  for (int64_t i = 0; i < height * width * channels; ++i) {
    state = state * 1664525u + 1013904223u;
    image.samples.push_back(static_cast<uint16_t>((state >> 12) & static_cast<uint32_t>(image.maximum())));
  }
  return image;
}

Tensor mask_with(int64_t height, int64_t width, const std::vector<Box>& holes) {
  Tensor mask = Tensor::zeros({1, height, width, 1});
  for (const Box& hole : holes) {
    for (int64_t y = hole.top; y < hole.top + hole.height; ++y) {
      std::fill_n(mask.data<float>() + y * width + hole.left, hole.width, 1.0f);
    }
  }
  return mask;
}

/// How many samples differ where mask is 0, and how many of the pixels where it is 1.
std::pair<int64_t, int64_t> differing(const Image& a, const Image& b, const Tensor& mask) {
  int64_t outside = 0, inside = 0;
  for (int64_t p = 0; p < mask.numel(); ++p) {
    const auto first = a.samples.begin() + p * a.channels;
    const bool differs = !std::equal(first, first + a.channels, b.samples.begin() + p * a.channels);
    (mask.at(p) == 1 ? inside : outside) += differs;
  }
  return {outside, inside};
}

const Box small{20, 20, 10, 12}, far{70, 100, 9, 9}, large{20, 60, 40, 50}, line{5, 2, 1, 150};

}  // namespace

TEST_CASE("fill_holes: every strategy fills all holes of every kind of picture and nothing else") {
  const Model model = tiny_model();
  const Tensor mask = mask_with(110, 160, {small, large, line});
  for (const auto& [name, strategy] : strategies()) {
    CAPTURE(name);
    for (const int64_t channels : {1, 3, 4}) {
      const int bits = channels == 3 ? 16 : 8;
      const Image picture = noise(110, 160, channels, bits);
      const FilledHoles result = fill_holes(model, picture, mask, {.strategy = strategy, .coarse = true});
      REQUIRE(result.filled.samples.size() == picture.samples.size());
      CHECK(result.filled.bits == bits);
      for (const Image& filled : {result.filled, result.coarse}) {
        const auto [outside, inside] = differing(filled, picture, mask);
        CHECK(outside == 0);
        CHECK(inside > 9 * (10 * 12 + 40 * 50 + 150) / 10);
      }
      CHECK((result.looks.size() == 1) == (strategy == Strategy::original));
    }
  }
}

TEST_CASE("fill_holes: known pixels stay with a model that was trained on holes as large as its pictures") {
  const Model model{Generator({.cnum = 2}, 5), "rgb", {{"trained_picture", "32"}, {"trained_hole", "32"}}};
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{70, 87}, {87, 70}}) {
    Tensor mask = Tensor::zeros({1, height, width, 1});
    for (int64_t i = 4; i < 60; ++i) std::fill_n(mask.data<float>() + i * width + i, 5, 1.0f);  // leaning
    const Image picture = noise(height, width, 3, 8);
    for (const Strategy strategy : {Strategy::automatic, Strategy::crop}) {
      CHECK(differing(fill_holes(model, picture, mask, {.strategy = strategy}).filled, picture, mask).first == 0);
    }
  }
}

TEST_CASE("fill_holes: a small picture's fill is the network's, blended at the edge") {
  const Model model = tiny_model();
  const Image picture = noise(40, 56, 3, 8);
  const Tensor mask = mask_with(40, 56, {{12, 16, 14, 15}});
  const Image blended = to_image(blend_seam(generate(model, picture, mask).fine, to_tensor(picture), mask));
  const FilledHoles result = fill_holes(model, picture, mask, {.texture = false});
  REQUIRE(result.looks.size() == 1);
  CHECK(result.coarse.samples.empty());
  // The membrane is relaxed on a smaller grid there.
  int largest = 0;
  for (size_t i = 0; i < blended.samples.size(); ++i) {
    largest = std::max(largest, std::abs(int{blended.samples[i]} - int{result.filled.samples[i]}));
  }
  CHECK(largest <= 16);
}

TEST_CASE("fill_holes: holes far apart do not change each other's fills; what lies in a hole changes nothing") {
  const Model model = tiny_model();
  Image picture = noise(110, 160, 3, 8);
  const Tensor both = mask_with(110, 160, {small, far});
  const Image together = fill_holes(model, picture, both).filled;
  for (const Box& hole : {small, far}) {
    const Tensor one = mask_with(110, 160, {hole});
    const Image alone = fill_holes(model, picture, one).filled;
    CHECK(differing(together, alone, one).second == 0);
  }
  for (const Strategy strategy : {Strategy::automatic, Strategy::original}) {
    const Tensor mask = mask_with(110, 160, {small, large});
    const Image before = fill_holes(model, picture, mask, {.strategy = strategy}).filled;
    Image other = picture;
    for (int64_t p = 0; p < mask.numel(); ++p) {
      if (mask.at(p) == 1) std::fill_n(other.samples.begin() + 3 * p, 3, uint16_t{200});
    }
    CHECK(fill_holes(model, other, mask, {.strategy = strategy}).filled.samples == before.samples);
  }
}

TEST_CASE("fill_holes: the network sees a large hole reduced, and memory is asked for before") {
  std::vector<std::pair<int64_t, int64_t>> sizes;
  const FillOptions options{.texture = false, .memory = [&](int64_t height, int64_t width, int64_t beside) {
                              sizes.emplace_back(height, width);
                              CHECK((beside > 0) == (sizes.size() == 1));
                              return MemoryOptions{};
                            }};
  const FilledHoles result =
      fill_holes(tiny_model(), noise(110, 160, 3, 8), mask_with(110, 160, {large, far}), options);
  REQUIRE(result.looks.size() == 2);
  REQUIRE(sizes.size() == 2);
  CHECK(result.looks[0].part.reduction == doctest::Approx(39.0 / 16));
  CHECK(sizes[0].first <= 33);
  CHECK(sizes[1] == std::pair<int64_t, int64_t>{32, 32});
  CHECK(result.looks[0].height == sizes[0].first);
}

TEST_CASE("fill_holes: texture is added to the fill where it is wanted, and memory is asked for it") {
  const Model model = tiny_model();
  const Image picture = noise(40, 56, 3, 8);
  const Tensor mask = mask_with(40, 56, {{12, 16, 14, 15}});
  int64_t asked = 0;
  const FillOptions options{.memory = [&](int64_t, int64_t, int64_t beside) {
    asked = beside;
    return MemoryOptions{};
  }};
  const Image textured = fill_holes(model, picture, mask, options).filled;
  const Image smooth = fill_holes(model, picture, mask, {.texture = false}).filled;
  const auto [outside, inside] = differing(textured, smooth, mask);
  CHECK(outside == 0);
  CHECK(inside > 14 * 15 / 2);
  CHECK(asked > 0);
}

TEST_CASE("fill_holes: errors are inpaint's") {
  const Image picture = noise(40, 40, 3, 8);
  CHECK(test::error_of([&] {
          fill_holes(tiny_model(), picture, Tensor::full({1, 40, 40, 1}, 1));
        }) == "[inpaint] the hole is the whole picture: there is nothing to continue; is the mask inverted?");
  CHECK(test::error_of([&] {
          fill_holes(tiny_model(), picture, Tensor::zeros({1, 4, 4, 1}));
        }) == "[inpaint] the mask is (1,4,4,1), the picture 40x40");
  CHECK(fill_holes(tiny_model(), picture, Tensor::zeros({1, 40, 40, 1})).filled.samples == picture.samples);
}

}  // namespace lacuna
