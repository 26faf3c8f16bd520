#include <algorithm>
#include <limits>
#include <numeric>

#include "autograd/tape.h"
#include "tests/support/compare.h"
#include "train/flow_picture.h"
#include "train/inpaint.h"

namespace lacuna {
namespace {

Model tiny_model(const std::string& channel_order = "rgb", GeneratorOptions options = {}) {
  options.cnum = 2;
  return {Generator(options, 5), channel_order, {}};
}

Image noise(int64_t height, int64_t width, int64_t channels, int bits) {
  Image image{height, width, channels, bits, {}};
  uint32_t state = 7;
  for (int64_t i = 0; i < height * width * channels; ++i) {
    state = state * 1664525u + 1013904223u;
    image.samples.push_back(static_cast<uint16_t>((state >> 12) & static_cast<uint32_t>(image.maximum())));
  }
  return image;
}

/// A hole of a quarter of the picture's area, off the middle.
Tensor hole_for(const Image& image) {
  Tensor mask = Tensor::zeros({1, image.height, image.width, 1});
  for (int64_t y = image.height / 3; y < image.height / 3 + image.height / 2; ++y) {
    for (int64_t x = image.width / 4; x < image.width / 4 + image.width / 2; ++x) {
      mask.data<float>()[y * image.width + x] = 1;
    }
  }
  return mask;
}

/// Sample `c` of pixel `p`.
int sample(const Image& image, int64_t p, int64_t c) {
  return image.samples[static_cast<size_t>(p * image.channels + c)];
}

/// Whether `filled` is of the same kind as `picture`, has its samples outside the hole and others inside.
void check_filled(const Image& filled, const Image& picture, const Tensor& mask) {
  REQUIRE(filled.height == picture.height);
  REQUIRE(filled.width == picture.width);
  REQUIRE(filled.channels == picture.channels);
  REQUIRE(filled.bits == picture.bits);
  int64_t touched = 0, changed = 0;
  for (int64_t p = 0; p < mask.numel(); ++p) {
    for (int64_t c = 0; c < picture.channels; ++c) {
      const bool differs = sample(filled, p, c) != sample(picture, p, c);
      (mask.at(p) == 1 ? changed : touched) += differs;
    }
  }
  CHECK(touched == 0);
  CHECK(changed > 0);
}

}  // namespace

TEST_CASE("inpaint: grey, alpha, 16 bits and odd sizes keep their kind and their known samples") {
  const Model model = tiny_model();
  for (const int64_t channels : {1, 2, 3, 4}) {
    for (const int bits : {8, 16}) {
      const Image picture = noise(21, 30, channels, bits);
      const Tensor mask = hole_for(picture);
      const Inpainted result = inpaint(model, picture, mask);
      check_filled(result.filled, picture, mask);
      check_filled(result.coarse, picture, mask);
    }
  }
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{2, 2}, {3, 40}, {33, 5}, {8, 16}}) {
    const Image picture = noise(height, width, 3, 8);
    const Tensor mask = hole_for(picture);
    check_filled(inpaint(model, picture, mask).filled, picture, mask);
  }
}

TEST_CASE("inpaint: the hole takes what the generator returns, at the picture's own depth") {
  const Model model = tiny_model();
  for (const int bits : {8, 16}) {
    const Image picture = noise(24, 32, 3, bits);
    const Tensor mask = hole_for(picture);
    const NoGrad no_grad;
    const GeneratorOutput output = model.generator(to_tensor(picture), mask);
    const Image fine = to_image(output.fine.value(), bits);
    const Inpainted result = inpaint(model, picture, mask);
    for (int64_t p = 0; p < mask.numel(); ++p) {
      if (mask.at(p) == 0) continue;
      for (int64_t c = 0; c < 3; ++c) CHECK(sample(result.filled, p, c) == sample(fine, p, c));
    }
    CHECK(test::same_bits(result.offsets, output.offsets));
  }
}

TEST_CASE("inpaint: what lies in the hole has no influence") {
  const Model model = tiny_model();
  Image picture = noise(16, 24, 3, 8);
  const Tensor mask = hole_for(picture);
  const Inpainted before = inpaint(model, picture, mask);
  for (int64_t p = 0; p < mask.numel(); ++p) {
    if (mask.at(p) == 1) std::fill_n(picture.samples.begin() + 3 * p, 3, uint16_t{200});
  }
  CHECK(inpaint(model, picture, mask).filled.samples == before.filled.samples);
}

TEST_CASE("inpaint: a bgr model is given and returns turned pictures") {
  const Image picture = noise(16, 16, 3, 8);
  const Tensor mask = hole_for(picture);
  Image turned = picture;
  for (size_t i = 0; i < turned.samples.size(); i += 3) std::swap(turned.samples[i], turned.samples[i + 2]);
  const Image rgb = inpaint(tiny_model("rgb"), picture, mask).filled;
  Image bgr = inpaint(tiny_model("bgr"), turned, mask).filled;
  for (size_t i = 0; i < bgr.samples.size(); i += 3) std::swap(bgr.samples[i], bgr.samples[i + 2]);
  CHECK(bgr.samples == rgb.samples);
}

TEST_CASE("inpaint: grey takes the luma, transparent hole pixels become opaque, other alpha stays") {
  const Tensor red = Tensor::from<float>({1, 1, 3, 3}, {1, -1, -1, 1, -1, -1, 1, -1, -1});
  const Tensor mask = Tensor::from<float>({1, 1, 3, 1}, {0, 1, 1});
  const Image grey{1, 3, 2, 8, {10, 0, 20, 127, 30, 128}};
  CHECK(composite(grey, red, mask).samples == std::vector<uint16_t>{10, 0, 76, 255, 76, 128});
  const Image colour{1, 3, 4, 8, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 254}};
  CHECK(composite(colour, red, mask).samples == std::vector<uint16_t>{1, 2, 3, 4, 255, 0, 0, 255, 255, 0, 0, 254});
}

TEST_CASE("inpaint: an empty mask changes nothing") {
  const Image picture = noise(13, 11, 4, 16);
  CHECK(inpaint(tiny_model(), picture, Tensor::zeros({1, 13, 11, 1})).filled.samples == picture.samples);
}

TEST_CASE("reduce_mask: whatever the hole touches belongs to it") {
  Tensor mask = Tensor::zeros({1, 12, 20, 1});
  mask.data<float>()[5 * 20 + 7] = 1;
  CHECK(test::same_bits(reduce_mask(mask, 12, 20), mask));
  const Tensor reduced = reduce_mask(mask, 6, 10);
  CHECK(reduced.shape() == Shape{1, 6, 10, 1});
  CHECK(reduced.data<float>()[2 * 10 + 3] == 1);
  const float holes = std::accumulate(reduced.data<float>(), reduced.data<float>() + reduced.numel(), 0.0f);
  CHECK(holes <= 4);  // those within the filter's reach
}

TEST_CASE("inpaint: pictures for the eye") {
  const Image picture{1, 2, 1, 8, {10, 20}};
  const Image shown = with_holes(picture, Tensor::from<float>({1, 1, 2, 1}, {0, 1}));
  CHECK(shown.samples == std::vector<uint16_t>{10, 255});
  const Image both = side_by_side({picture, shown});
  CHECK(both.width == 4);
  CHECK(both.channels == 3);
  CHECK(both.samples == std::vector<uint16_t>{10, 10, 10, 20, 20, 20, 10, 10, 10, 255, 255, 255});
}

TEST_CASE("inpaint: the colours of the attention") {
  // Positions of a 2 x 2 grid that take from: themselves, the left, above, and up and left.
  const Tensor offsets = Tensor::from<int32_t>({1, 2, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0});
  const Image flow = flow_picture(offsets, 2, 3, 5);
  CHECK(flow.height == 3);
  CHECK(flow.width == 5);
  const auto colour = [&](int64_t y, int64_t x) {
    return std::vector<int>{sample(flow, y * 5 + x, 0), sample(flow, y * 5 + x, 1), sample(flow, y * 5 + x, 2)};
  };
  CHECK(colour(0, 0) == std::vector<int>{255, 255, 255});
  CHECK(colour(1, 1) == colour(0, 0));
  CHECK(colour(2, 2) == colour(2, 4));  // the last position covers what is left over
  CHECK(colour(0, 2) != colour(2, 0));
  CHECK(colour(2, 2) != colour(0, 0));
  // The longest is saturated: one channel is down to 0.
  const auto longest = colour(2, 2);
  CHECK(*std::min_element(longest.begin(), longest.end()) == 0);
  // Middlebury's wheel: to the right is red, to the left cyan to blue.
  const Image right = flow_picture(Tensor::from<int32_t>({1, 1, 2, 2}, {0, 1, 0, 0}), 1, 1, 2);
  CHECK(sample(right, 0, 0) == 255);
  CHECK(sample(right, 0, 1) == 0);
  CHECK(sample(right, 1, 0) == 0);
  CHECK(sample(right, 1, 2) == 255);
  CHECK(test::error_of([] { flow_picture(Tensor(), 1, 1, 1); }) == "[flow_picture] there are no offsets");
}

TEST_CASE("inpaint: errors") {
  const Image picture = noise(8, 16, 3, 8);
  const Model model = tiny_model();
  CHECK(test::error_of([&] {
          inpaint(model, picture, Tensor::full({1, 8, 16, 1}, 1));
        }) == "[inpaint] the hole is the whole picture: there is nothing to continue; is the mask inverted?");
  CHECK(test::error_of([&] {
          inpaint(model, picture, Tensor::zeros({1, 16, 8, 1}));
        }) == "[inpaint] the mask is (1,16,8,1), the picture 8x16");
  Model broken = tiny_model();
  Tensor bias = broken.generator.params().at("inpaint_net/conv17/bias").value();
  bias.data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(test::error_of([&] {
          inpaint(broken, picture, hole_for(picture));
        }).starts_with("[inpaint] the network's result is not a number"));
}

}  // namespace lacuna
