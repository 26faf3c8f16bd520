#include <algorithm>
#include <filesystem>
#include <numeric>

#include "tensor/image.h"
#include "tests/support/compare.h"
#include "tests/support/temporary_folder.h"
#include "train/masks.h"

namespace lacuna {
namespace {

using Kind = MaskOptions::Kind;

Tensor sample_of(const Tensor& batch, int64_t i) {
  const int64_t height = batch.dim(1), width = batch.dim(2);
  Tensor mask({1, height, width, 1});
  std::copy_n(batch.data<float>() + i * height * width, height * width, mask.data<float>());
  return mask;
}

bool is_binary(const Tensor& mask) {
  return std::all_of(mask.data<float>(), mask.data<float>() + mask.numel(),
                     [](float v) { return v == 0.0f || v == 1.0f; });
}

double area(const Tensor& mask) { return std::accumulate(mask.data<float>(), mask.data<float>() + mask.numel(), 0.0); }

}  // namespace

TEST_CASE("masks: a box is whole, shrunk symmetrically within its window and inside the margin") {
  const MaskOptions options{
      .kind = Kind::box, .hole_height = 24, .hole_width = 20, .max_shrink = 8, .margin = 3, .folder = {}};
  const HoleBatch holes = make_holes(options, 200, 48, 56, {7, 0});
  REQUIRE(holes.mask.shape() == Shape{200, 48, 56, 1});
  REQUIRE(holes.boxes.size() == 200);
  int64_t least = 100, most = 0, topmost = 100, lowest = 0;
  for (int64_t i = 0; i < 200; ++i) {
    const Tensor mask = sample_of(holes.mask, i);
    const Box box = holes.boxes[static_cast<size_t>(i)], hole = hole_bounds(mask);
    CHECK(is_binary(mask));
    CHECK(box.height == 24);
    CHECK(box.width == 20);
    CHECK(area(mask) == hole.height * hole.width);
    CHECK(2 * hole.top + hole.height == 2 * box.top + box.height);
    CHECK(2 * hole.left + hole.width == 2 * box.left + box.width);
    CHECK((box.height - hole.height) % 2 == 0);
    least = std::min(least, hole.height);
    most = std::max(most, hole.height);
    topmost = std::min(topmost, box.top);
    lowest = std::max(lowest, box.top);
  }
  CHECK(least == 24 - 8);
  CHECK(most == 24);
  CHECK(topmost == 3);
  CHECK(lowest == 48 - 3 - 24);
}

TEST_CASE("masks: pure functions of the random numbers given") {
  for (const Kind kind : {Kind::box, Kind::boxes, Kind::strokes, Kind::mixed}) {
    const MaskOptions options{.kind = kind, .hole_height = 32, .hole_width = 32, .max_shrink = 8, .folder = {}};
    const HoleBatch a = make_holes(options, 3, 64, 64, {1, 5}), b = make_holes(options, 3, 64, 64, {1, 5});
    CHECK(test::same_bits(a.mask, b.mask));
    CHECK(a.boxes == b.boxes);
    CHECK_FALSE(test::same_bits(a.mask, make_holes(options, 3, 64, 64, {1, 6}).mask));
    CHECK_FALSE(test::same_bits(a.mask, make_holes(options, 3, 64, 64, {2, 5}).mask));
    CHECK_FALSE(test::same_bits(sample_of(a.mask, 0), sample_of(a.mask, 1)));
    // A sample does not depend on how many others there are.
    CHECK(test::same_bits(sample_of(a.mask, 0), make_holes(options, 1, 64, 64, {1, 5}).mask));
    CHECK(test::same_bits(sample_of(a.mask, 2), HoleMaker(options)(1, 64, 64, {1, 5}, 2).mask));
  }
}

TEST_CASE("masks: boxes and strokes are binary, leave something known, and have a window within the picture") {
  for (const Kind kind : {Kind::boxes, Kind::strokes, Kind::mixed}) {
    const MaskOptions options{.kind = kind, .hole_height = 64, .hole_width = 48, .max_shrink = 0, .folder = {}};
    const HoleBatch holes = make_holes(options, 40, 128, 160, {3, 0});
    double covered = 0;
    for (int64_t i = 0; i < 40; ++i) {
      const Tensor mask = sample_of(holes.mask, i);
      const Box box = holes.boxes[static_cast<size_t>(i)];
      CHECK(is_binary(mask));
      CHECK(box.height == 64);
      CHECK(box.width == 48);
      CHECK((box.top >= 0 && box.left >= 0 && box.top + 64 <= 128 && box.left + 48 <= 160));
      covered += area(mask) / static_cast<double>(mask.numel());
    }
    CHECK(covered / 40 > 0.03);
    CHECK(covered / 40 < 0.5);
  }
}

TEST_CASE("masks: mixed holes are of all three kinds") {
  const MaskOptions options{.kind = Kind::mixed, .hole_height = 32, .hole_width = 32, .max_shrink = 0, .folder = {}};
  const HoleBatch holes = make_holes(options, 60, 64, 64, {9, 0});
  int whole_boxes = 0;
  for (int64_t i = 0; i < 60; ++i) {
    const Tensor mask = sample_of(holes.mask, i);
    whole_boxes += area(mask) == 32 * 32 && hole_bounds(mask) == holes.boxes[static_cast<size_t>(i)];
  }
  CHECK(whole_boxes > 8);
  CHECK(whole_boxes < 35);
}

TEST_CASE("masks: the window contains a hole that fits, centred, and covers the most of one that does not") {
  Tensor mask = Tensor::zeros({1, 20, 30, 1});
  const auto put = [&](int64_t y, int64_t x) { mask.data<float>()[y * 30 + x] = 1; };
  for (int64_t y = 8; y < 12; ++y) {
    for (int64_t x = 10; x < 16; ++x) put(y, x);
  }
  CHECK(hole_bounds(mask) == Box{8, 10, 4, 6});
  CHECK(hole_window(mask, 8, 10) == Box{6, 8, 8, 10});
  CHECK(hole_window(mask, 20, 30) == Box{0, 0, 20, 30});
  put(0, 29);  // far away: the window stays with the larger part
  const Box window = hole_window(mask, 8, 10);
  CHECK((window.top <= 8 && window.top + 8 >= 12 && window.left <= 10 && window.left + 10 >= 16));
  CHECK(hole_bounds(Tensor::zeros({1, 4, 4, 1})) == Box{});
}

TEST_CASE("masks: what a picture paints") {
  const auto values = [](const Tensor& m) { return m.to_vector(); };
  const std::vector<double> second{0, 1};
  CHECK(values(mask_of({1, 2, 1, 8, {127, 128}})) == second);
  CHECK(values(mask_of({1, 2, 1, 16, {32767, 32768}})) == second);
  CHECK(values(mask_of({1, 2, 3, 8, {0, 0, 255, 255, 255, 0}})) == second);
  CHECK(values(mask_of({1, 2, 1, 8, {255, 0}}, true)) == second);
  // An alpha channel that varies decides: transparent is hole. One that does not says nothing.
  CHECK(values(mask_of({1, 2, 4, 8, {255, 255, 255, 255, 255, 255, 255, 0}})) == second);
  CHECK(values(mask_of({1, 2, 4, 8, {0, 0, 0, 255, 255, 255, 255, 255}})) == second);
  CHECK(values(mask_of({1, 2, 2, 8, {255, 255, 255, 127}})) == second);
  CHECK(values(mask_of({1, 2, 2, 8, {0, 0, 255, 0}})) == second);
  // White on nothing is the hole, with its soft edge.
  CHECK(values(mask_of({1, 2, 4, 8, {0, 0, 0, 0, 255, 255, 255, 255}})) == second);
  CHECK(values(mask_of({1, 4, 2, 8, {0, 0, 255, 90, 255, 160, 255, 255}})) == std::vector<double>{0, 0, 1, 1});
  CHECK(mask_paint({1, 2, 4, 8, {0, 0, 0, 0, 255, 255, 255, 255}}) == MaskPaint::white_on_nothing);
  // An opaque colour beside it, or white below what is transparent, make it a picture with a part erased.
  CHECK(values(mask_of({1, 3, 2, 8, {255, 255, 40, 255, 0, 0}})) == std::vector<double>{0, 0, 1});
  CHECK(mask_paint({1, 3, 2, 8, {255, 255, 0, 0, 255, 0}}) == MaskPaint::transparent);
}

TEST_CASE("masks: holes grow by pixels in each direction, up to the border") {
  Tensor mask = Tensor::zeros({1, 9, 12, 1});
  for (const auto& [y, x] : {std::pair{4, 5}, {0, 11}}) mask.data<float>()[y * 12 + x] = 1;
  for (const int64_t reach : {0, 1, 3, 20}) {
    const Tensor grown = grow_mask(mask, reach);
    for (int64_t y = 0; y < 9; ++y) {
      for (int64_t x = 0; x < 12; ++x) {
        const bool near = std::max(std::abs(y - 4), std::abs(x - 5)) <= reach || std::max(y, 11 - x) <= reach;
        CHECK(grown.at(y * 12 + x) == (near ? 1 : 0));
      }
    }
  }
  CHECK(test::error_of([&] { grow_mask(mask, -1); }) == "[grow_mask] a hole grows by pixels, not by -1");
}

TEST_CASE("masks: nearest resize reads centres") {
  const Tensor mask = Tensor::from<float>({1, 2, 3, 1}, {0, 1, 0, 1, 0, 1});
  CHECK(resize_mask(mask, 4, 3).to_vector() == std::vector<double>{0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1});
  CHECK(resize_mask(mask, 1, 1).to_vector() == std::vector<double>{0});
  CHECK(test::same_bits(resize_mask(mask, 2, 3), mask));
}

TEST_CASE("masks: a folder's masks are read, resized and drawn at random") {
  const test::TemporaryFolder folder;
  Image upper{8, 8, 1, 8, std::vector<uint16_t>(64, 0)}, lower = upper;
  std::fill_n(upper.samples.begin(), 16, uint16_t{255});
  std::fill_n(lower.samples.begin() + 48, 16, uint16_t{255});
  write_image(folder.path() / "upper.png", upper);
  write_image(folder.path() / "lower.png", lower);
  const MaskOptions options{.kind = Kind::folder, .hole_height = 8, .hole_width = 8, .folder = folder.path().string()};
  const HoleBatch holes = make_holes(options, 32, 16, 16, {11, 0});
  int uppers = 0;
  for (int64_t i = 0; i < 32; ++i) {
    const Tensor mask = sample_of(holes.mask, i);
    CHECK(area(mask) == 64);
    uppers += hole_bounds(mask).top == 0;
  }
  CHECK(uppers > 4);
  CHECK(uppers < 28);
  write_image(folder.path() / "upper.png", {8, 8, 1, 8, std::vector<uint16_t>(64, 0)});
  CHECK(test::error_of([&] {
          make_holes(options, 32, 16, 16, {11, 0});
        }) == "[masks] " + (folder.path() / "upper.png").string() + ": the mask has no hole (white) pixel");
}

TEST_CASE("masks: errors") {
  const auto error = [](MaskOptions options, int64_t side) {
    return test::error_of([&] { make_holes(options, 1, side, side, {}); });
  };
  CHECK(error({.folder = {}}, 64) ==
        "[masks] a hole of 128 x 128 with a margin of 0 does not fit into a picture of 64 x 64");
  CHECK(error({.hole_height = 16, .hole_width = 16, .max_shrink = 16, .folder = {}}, 64) ==
        "[masks] a hole of 16 x 16 cannot shrink by up to 16");
  CHECK(error({.hole_height = 0, .folder = {}}, 64) == "[masks] a hole of 0 x 128 is empty");
  CHECK(error({.count = 0, .folder = {}}, 256) == "[masks] at least 1 hole is needed, not 0");
  CHECK(error({.kind = Kind::folder, .folder = {}}, 256) == "[masks] no folder of masks is given");
  CHECK(error({.hole_height = 16, .hole_width = 16, .max_shrink = 0, .folder = {}}, 16) ==
        "[masks] the hole covers the whole picture of 16 x 16");
  CHECK(error({.kind = Kind::folder, .folder = "/nonexistent"}, 256) ==
        "[data] /nonexistent: there is no such file or folder");
}

}  // namespace lacuna
