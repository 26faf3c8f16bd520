#include <algorithm>

#include "tests/support/compare.h"
#include "train/hole_parts.h"

namespace lacuna {
namespace {

Tensor empty_mask(int64_t height, int64_t width) { return Tensor::zeros({1, height, width, 1}); }

void open(Tensor& mask, const Box& hole) {
  for (int64_t y = hole.top; y < hole.top + hole.height; ++y) {
    std::fill_n(mask.data<float>() + y * mask.dim(2) + hole.left, hole.width, 1.0f);
  }
}

bool holds(const Box& outer, const Box& inner) {
  return inner.top >= outer.top && inner.left >= outer.left && inner.top + inner.height <= outer.top + outer.height &&
         inner.left + inner.width <= outer.left + outer.width;
}

/// How many of the hole's pixels are in no part, and whether every part's crop holds it and lies in the picture.
int64_t left_over(const std::vector<HolePart>& parts, Tensor mask) {
  for (const HolePart& part : parts) {
    CHECK(holds(part.crop, part.hole));
    CHECK(holds({0, 0, mask.dim(1), mask.dim(2)}, part.crop));
    for (int64_t y = part.hole.top; y < part.hole.top + part.hole.height; ++y) {
      std::fill_n(mask.data<float>() + y * mask.dim(2) + part.hole.left, part.hole.width, 0.0f);
    }
  }
  return std::count(mask.data<float>(), mask.data<float>() + mask.numel(), 1.0f);
}

const TrainedSize paper{};

}  // namespace

TEST_CASE("hole_parts: a small picture is seen whole, and so is any with original") {
  Tensor mask = empty_mask(300, 500);
  open(mask, {10, 20, 100, 110});
  open(mask, {200, 400, 30, 30});
  for (const Strategy strategy : {Strategy::automatic, Strategy::original}) {
    const auto parts = hole_parts(mask, strategy, paper);
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].crop == Box{0, 0, 300, 500});
    CHECK(parts[0].hole == Box{10, 20, 220, 410});
    CHECK(parts[0].reduction == 1);
  }
  CHECK(hole_parts(empty_mask(900, 900), Strategy::original, paper).empty());
  CHECK(hole_parts(empty_mask(900, 900), Strategy::automatic, paper).empty());
}

TEST_CASE("hole_parts: each hole of a large picture has its own surroundings; close ones share them") {
  Tensor mask = empty_mask(1500, 2000);
  open(mask, {100, 100, 60, 60});
  open(mask, {100, 170, 60, 20});  // close to the one before
  open(mask, {700, 900, 128, 128});
  open(mask, {1440, 1950, 60, 50});  // in the corner
  const auto parts = hole_parts(mask, Strategy::automatic, paper);
  REQUIRE(parts.size() == 3);
  CHECK(parts[0].hole == Box{100, 100, 60, 90});
  CHECK(parts[0].crop == Box{2, 17, 256, 256});
  CHECK(parts[1].hole == Box{700, 900, 128, 128});
  CHECK(parts[1].crop == Box{636, 836, 256, 256});
  CHECK(parts[1].thickness == 127);
  CHECK(parts[2].crop == Box{1244, 1744, 256, 256});
  for (const HolePart& part : parts) CHECK(part.reduction == 1);
  CHECK(left_over(parts, mask) == 0);
  CHECK(hole_warning(parts, paper).empty());
}

TEST_CASE("hole_parts: a hole larger than in training is seen reduced, or with crop at full size") {
  Tensor mask = empty_mask(3000, 4000);
  open(mask, {1000, 1000, 385, 600});
  const auto reduced = hole_parts(mask, Strategy::automatic, paper);
  REQUIRE(reduced.size() == 1);
  CHECK(reduced[0].thickness == 385);
  CHECK(reduced[0].reduction == doctest::Approx(385.0 / 128));
  CHECK(reduced[0].crop.height == 771);
  CHECK(hole_warning(reduced, paper).empty());

  const auto full = hole_parts(mask, Strategy::crop, paper);
  REQUIRE(full.size() == 1);
  CHECK(full[0].reduction == 1);
  CHECK(full[0].crop == Box{936, 936, 513, 728});
  CHECK(hole_warning(full, paper) ==
        "a hole is 385 pixels wide at (1407,1192), 3 times what the model was trained with: its middle will be "
        "arbitrary; --strategy resize fills it at a smaller size");

  open(mask, {1000, 1000, 900, 900});
  CHECK(hole_warning(hole_parts(mask, Strategy::resize, paper), paper) ==
        "a hole is 899 pixels wide at (1450,1450), 7 times what the model was trained with: its middle will be a "
        "blur; leave more of the picture known, or reduce it first (--max-side)");
  CHECK(hole_parts(mask, Strategy::resize, {.picture = 2048, .hole = 1024})[0].reduction == 1);
}

TEST_CASE("hole_parts: a long thin hole is cut, not reduced") {
  Tensor mask = empty_mask(1500, 2000);
  for (int64_t x = 0; x < 2000; ++x) open(mask, {x / 2 + 100, x, 12, 1});
  const auto parts = hole_parts(mask, Strategy::automatic, paper);
  CHECK(parts.size() >= 6);
  for (const HolePart& part : parts) {
    CHECK(part.reduction == 1);
    CHECK(part.thickness <= 13);
    CHECK(std::max(part.crop.height, part.crop.width) <= 512);
  }
  CHECK(left_over(parts, mask) == 0);
}

TEST_CASE("hole_parts: something known is always in sight") {
  Tensor mask = empty_mask(700, 3000);
  open(mask, {0, 0, 700, 2990});
  for (const Strategy strategy : {Strategy::automatic, Strategy::crop, Strategy::resize}) {
    const auto parts = hole_parts(mask, strategy, paper);
    CHECK(left_over(parts, mask) == 0);
    for (const HolePart& part : parts) {
      int64_t known = 0;
      for (int64_t y = part.crop.top; y < part.crop.top + part.crop.height; ++y) {
        for (int64_t x = part.crop.left; x < part.crop.left + part.crop.width; ++x) known += mask.at(y * 3000 + x) == 0;
      }
      CHECK(known > 0);
    }
  }
}

TEST_CASE("hole_parts: scattered holes are all covered") {
  Tensor mask = empty_mask(900, 1100);
  uint32_t state = 5;
  const auto draw = [&](int64_t n) {
    state = state * 1664525u + 1013904223u;
    return static_cast<int64_t>(state >> 8) % n;
  };
  for (int i = 0; i < 60; ++i) open(mask, {draw(860), draw(1060), 1 + draw(40), 1 + draw(40)});
  for (const Strategy strategy : {Strategy::automatic, Strategy::original, Strategy::crop, Strategy::resize}) {
    CHECK(left_over(hole_parts(mask, strategy, paper), mask) == 0);
  }
}

TEST_CASE("trained_size: from a model's metadata, or the paper's") {
  CHECK(trained_size({}).picture == 256);
  CHECK(trained_size({}).hole == 128);
  const TrainedSize size = trained_size({{"trained_picture", "512"}, {"trained_hole", "200"}});
  CHECK(size.picture == 512);
  CHECK(size.hole == 200);
  CHECK(trained_size({{"trained_picture", "-4"}, {"trained_hole", "much"}}).picture == 256);
  CHECK(trained_size({{"trained_hole", "300"}}).hole == 256);
}

}  // namespace lacuna
