#include "ops/pad/functors.h"
#include "ops/pad/pad.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

constexpr PadMode modes[] = {PadMode::zero, PadMode::reflect, PadMode::symmetric};

/// The columns of a padded row 1, 2, ..., n.
std::vector<double> padded_row(int64_t n, int64_t left, int64_t right, PadMode mode) {
  Tensor x({1, 1, n, 1});
  for (int64_t i = 0; i < n; ++i) x.data<float>()[i] = static_cast<float>(i + 1);
  return pad(x, {.left = left, .right = right}, mode).value().to_vector();
}

}  // namespace

TEST_CASE("pad: every case in every mode") { test::run_modes(pad_cases()); }

TEST_CASE("pad: values of the three modes") {
  using Row = std::vector<double>;
  CHECK(padded_row(3, 2, 1, PadMode::zero) == Row{0, 0, 1, 2, 3, 0});
  CHECK(padded_row(3, 2, 1, PadMode::reflect) == Row{3, 2, 1, 2, 3, 2});
  CHECK(padded_row(3, 2, 1, PadMode::symmetric) == Row{2, 1, 1, 2, 3, 3});
  CHECK(padded_row(3, 5, 4, PadMode::reflect) == Row{2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3});
  CHECK(padded_row(2, 5, 3, PadMode::symmetric) == Row{1, 1, 2, 2, 1, 1, 2, 2, 1, 1});
  CHECK(padded_row(1, 2, 3, PadMode::reflect) == Row{1, 1, 1, 1, 1, 1});
  CHECK(padded_row(1, 2, 3, PadMode::symmetric) == Row{1, 1, 1, 1, 1, 1});
}

TEST_CASE("pad: padded_source mirrors one step at a time") {
  for (int64_t n = 2; n <= 5; ++n) {
    for (const PadMode mode : {PadMode::reflect, PadMode::symmetric}) {
      // Walking outwards, the source turns round at an end, which symmetric visits twice.
      for (const int64_t direction : {-1, 1}) {
        int64_t source = direction > 0 ? n - 1 : 0, step = direction;
        for (int64_t distance = 1; distance <= 4 * n; ++distance) {
          if (source + step >= 0 && source + step < n) {
            source += step;
          } else {
            step = -step;
            if (mode == PadMode::reflect) source += step;
          }
          CHECK(padded_source(direction > 0 ? n - 1 + distance : -distance, n, mode) == source);
        }
      }
    }
  }
}

TEST_CASE("pad: for_each_reader is the inverse of padded_source") {
  for (const PadMode mode : {PadMode::reflect, PadMode::symmetric}) {
    for (int64_t n = 1; n <= 5; ++n) {
      for (const int64_t before : {0, 1, 3, 4, 11}) {
        for (const int64_t after : {0, 1, 2, 5, 13}) {
          std::vector<int> reads(before + n + after);
          for (int64_t i = 0; i < n; ++i) {
            functors::for_each_reader(i, n, before, after, mode, [&](int64_t p) {
              REQUIRE(p >= -before);
              REQUIRE(p < n + after);
              REQUIRE(padded_source(p, n, mode) == i);
              ++reads[p + before];
            });
          }
          CHECK(reads == std::vector<int>(before + n + after, 1));
        }
      }
    }
  }
}

TEST_CASE("pad: unpad is its adjoint") {
  const Tensor x = case_values({2, 24, 20, 16}, 1);
  for (const PadMode mode : modes) {
    for (const Padding2d& p : {Padding2d{1, 1, 1, 1}, Padding2d{16, 16, 16, 16}, Padding2d{0, 70, 55, 3}}) {
      const Tensor padded = pad(x, p, mode).value();
      const Tensor y = case_values(padded.shape(), 2);
      CHECK(test::inner(padded, y) == doctest::Approx(test::inner(x, unpad(y, p, mode).value())).epsilon(1e-10));
    }
  }
}

TEST_CASE("pad: crop takes back what pad put round, on every element type") {
  for (const DType type : {DType::f32, DType::f64, DType::u8}) {
    const Tensor x = case_values({2, 9, 11, 3}, 3, 0, 255).to(type);
    for (const PadMode mode : modes) {
      CHECK(test::same_bits(crop(pad(x, {4, 3, 20, 1}, mode), 4, 20, 9, 11).value(), x));
    }
  }
  CHECK(crop(Tensor::zeros({1, 4, 4, 2}), 4, 0, 0, 4).shape() == Shape{1, 0, 4, 2});
}

TEST_CASE("pad: the same bits with any number of threads") {
  const Tensor g = case_values({2, 96, 96, 16}, 4).to(DType::f32);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor one = unpad(g, {40, 30, 33, 40}, PadMode::reflect).value();
  set_num_threads(4);
  CHECK(test::same_bits(unpad(g, {40, 30, 33, 40}, PadMode::reflect).value(), one));
  set_num_threads(threads);
}

TEST_CASE("pad: errors name the op and the shapes") {
  const Variable x = Tensor::zeros({1, 4, 5, 2});
  const auto error = [](auto f) { return test::error_of(f); };
  CHECK(error([] { pad(Tensor::zeros({4, 5}), {}); }) == "[pad] an image batch (N,H,W,C) is needed, not (4,5)");
  CHECK(error([&] { pad(x, {.top = -1}); }) ==
        "[pad] a padding cannot be negative: top -1, bottom 0, left 0, right 0; use crop to cut off");
  CHECK(error([] {
          pad(Tensor::zeros({1, 0, 5, 2}), {}, PadMode::reflect);
        }) == "[pad] an empty picture cannot be mirrored: (1,0,5,2)");
  CHECK(error([&] {
          unpad(x, {2, 2, 0, 0}, PadMode::symmetric);
        }) == "[unpad] g (1,4,5,2) is smaller than its padding: top 2, bottom 2, left 0, right 0");
  CHECK(error([&] { crop(x, 1, 0, 4, 5); }) == "[crop] rows [1, 5) and columns [0, 5) do not lie within (1,4,5,2)");
}

}  // namespace lacuna
