#include <algorithm>
#include <cmath>
#include <functional>

#include "tests/support/any_threads.h"
#include "train/texture.h"

namespace lacuna {
namespace {

constexpr int64_t side = 128;

using Value = std::function<float(int64_t y, int64_t x)>;

/// Rows 40 to 88 and columns 40 to 88.
Tensor hole() {
  Tensor mask = Tensor::zeros({1, side, side, 1});
  for (int64_t y = 40; y < 88; ++y) std::fill_n(mask.data<float>() + y * side + 40, 48, 1.0f);
  return mask;
}

/// Grey, of `known` and in the hole of `fill`.
Tensor picture_of(const Value& known, const Value& fill) {
  const Tensor mask = hole();
  Tensor picture({1, side, side, 3});
  for (int64_t p = 0; p < side * side; ++p) {
    const Value& value = mask.data<float>()[p] > 0.5f ? fill : known;
    std::fill_n(picture.data<float>() + 3 * p, 3, value(p / side, p % side));
  }
  return picture;
}

float checks(int64_t y, int64_t x) { return (y + x) % 2 == 0 ? 0.2f : -0.2f; }

/// +1 or -1 with equal chance, for each pixel.
float noise(int64_t y, int64_t x) {
  auto bits = static_cast<uint32_t>(y * side + x) * 2654435761u;
  bits = (bits ^ (bits >> 15)) * 2246822519u;
  return (bits ^ (bits >> 13)) & 1024 ? 1.0f : -1.0f;
}

Tensor added(const Tensor& picture, double reduction = 1) {
  Tensor detail = add_texture(picture, hole(), hole(), reduction);
  std::transform(detail.data<float>(), detail.data<float>() + detail.numel(), picture.data<float>(),
                 detail.data<float>(), std::minus<>());
  return detail;
}

/// The mean absolute value in the hole's columns [first, last).
double mean_size(const Tensor& x, int64_t first = 40, int64_t last = 88) {
  double sum = 0;
  for (int64_t y = 40; y < 88; ++y) {
    for (int64_t i = 3 * (y * side + first); i < 3 * (y * side + last); ++i) sum += std::abs(x.data<float>()[i]);
  }
  return sum / static_cast<double>(48 * 3 * (last - first));
}

}  // namespace

TEST_CASE("add_texture: each part of a hole has the texture of what looks like it, and known pixels stay") {
  const auto colour = [](int64_t, int64_t x) { return x < 64 ? -0.5f : 0.5f; };
  const auto textured = [&](int64_t y, int64_t x) { return colour(y, x) + (x < 64 ? checks(y, x) : 0); };
  const Tensor detail = added(picture_of(textured, colour));
  CHECK(mean_size(detail, 44, 56) == doctest::Approx(0.2).epsilon(0.15));
  CHECK(mean_size(detail, 74, 86) < 0.01);
  const Tensor mask = hole();
  for (int64_t p = 0; p < mask.numel(); ++p) {
    if (mask.data<float>()[p] == 0) CHECK(detail.data<float>()[3 * p] == 0);
  }
}

TEST_CASE("add_texture: patches fit together where texture is regular") {
  const auto flat = [](int64_t, int64_t) { return 0.0f; };
  const Tensor detail = added(picture_of(checks, flat));
  int64_t in_step = 0;
  for (int64_t y = 40; y < 88; ++y) {
    for (int64_t x = 40; x < 88; ++x) in_step += detail.data<float>()[3 * (y * side + x)] * checks(y, x) > 0;
  }
  CHECK(in_step == 48 * 48);
}

TEST_CASE("add_texture: an edge that stands out is not copied with its full strength") {
  const auto flat = [](int64_t, int64_t) { return 0.0f; };
  const auto line = [](int64_t y, int64_t x) { return x == 20 ? 1.0f : 0.1f * noise(y, x); };
  const Tensor detail = added(picture_of(line, flat));
  CHECK(*std::max_element(detail.data<float>(), detail.data<float>() + detail.numel()) < 0.5f);
}

TEST_CASE("add_texture: no pattern shows where one patch would fit everywhere") {
  const auto flat = [](int64_t, int64_t) { return 0.0f; };
  const Tensor detail = added(picture_of([](int64_t y, int64_t x) { return 0.2f * noise(y, x); }, flat));
  CHECK(mean_size(detail) > 0.1);
  for (int64_t shift = 3; shift < 24; ++shift) {
    double same = 0, size = 0;
    for (int64_t y = 40; y < 88; ++y) {
      for (int64_t x = 40; x < 88 - shift; ++x) {
        const float* d = detail.data<float>() + 3 * (y * side + x);
        same += d[0] * d[3 * shift];
        size += d[0] * d[0];
      }
    }
    CHECK(std::abs(same / size) < 0.25);
  }
}

TEST_CASE("add_texture: what the network saw reduced gets coarser detail too") {
  const auto flat = [](int64_t, int64_t) { return 0.0f; };
  const Tensor picture = picture_of([](int64_t y, int64_t x) { return 0.3f * noise(y / 8, x / 8); }, flat);
  CHECK(mean_size(added(picture, 3)) > 1.3 * mean_size(added(picture)));
}

TEST_CASE("add_texture: the result does not depend on threads") {
  const Tensor picture = picture_of(noise, [](int64_t, int64_t) { return 0.0f; });
  test::on_any_threads([&] { return added(picture); });
}

TEST_CASE("add_texture: small pictures stay as they are, and wrong shapes are an error") {
  const Tensor small = Tensor::full({1, 12, 12, 3}, 0.5), mask = Tensor::full({1, 12, 12, 1}, 1);
  CHECK(std::equal(small.data<float>(), small.data<float>() + small.numel(),
                   add_texture(small, mask, mask, 1).data<float>()));
  CHECK(test::error_of([&] {
          add_texture(small, mask, Tensor::zeros({1, 8, 8, 1}), 1);
        }) == "[add_texture] masks (1,12,12,1) and (1,8,8,1) do not fit a picture (1,12,12,3)");
}

}  // namespace lacuna
