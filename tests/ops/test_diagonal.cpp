#include "ops/diagonal/diagonal.h"
#include "tensor/stream.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

Tensor definition(const Tensor& x, const ShiftRange& s) {
  const int64_t h = x.dim(1), w = x.dim(2), H = x.dim(3), W = x.dim(4);
  Tensor y = Tensor::zeros(x.shape(), DType::f64);
  const auto inside = [](int64_t i, int64_t n) { return i >= 0 && i < n; };
  const auto at = [&](int64_t n, int64_t r, int64_t c, int64_t R, int64_t C) {
    return (((n * h + r) * w + c) * H + R) * W + C;
  };
  for (int64_t i = 0; i < x.numel(); ++i) {
    const int64_t C = i % W, R = i / W % H, c = i / (W * H) % w, r = i / (W * H * w) % h, n = i / (W * H * w * h);
    for (int64_t dr = s.row_lo; dr <= s.row_hi; ++dr) {
      for (int64_t dc = s.col_lo; dc <= s.col_hi; ++dc) {
        if (!inside(r + dr, h) || !inside(c + dc, w) || !inside(R + dr, H) || !inside(C + dc, W)) continue;
        y.data<double>()[i] += x.data<double>()[at(n, r + dr, c + dc, R + dr, C + dc)];
      }
    }
  }
  return y;
}

constexpr ShiftRange ranges[] = {{-1, 1, -1, 1}, {0, 0, 0, 0},   {0, 1, 0, 1},   {-1, 0, 0, 1},
                                 {-1, 0, -1, 0}, {-2, 3, -4, 2}, {2, 3, 1, 2},   {-9, 9, -9, 9},
                                 {0, 0, -1, 1},  {-1, 1, 0, 0},  {20, 21, 0, 0}, {0, 0, -6, -5}};

}  // namespace

TEST_CASE("diagonal: every case in every mode") { test::run_modes(diagonal_cases()); }

TEST_CASE("diagonal: values against the definition") {
  for (const Shape& shape : {Shape{2, 4, 5, 3, 9}, Shape{1, 1, 7, 1, 6}, Shape{3, 2, 1, 4, 2}, Shape{1, 6, 6, 6, 6}}) {
    const Tensor x = case_values(shape, 1);
    for (const ShiftRange& s : ranges) CHECK_CLOSE(diagonal_sum(x, s).value(), definition(x, s), 1e-15 * 400);
  }
  CHECK(diagonal_sum(Tensor::zeros({0, 2, 2, 2, 2}), {-1, 1, -1, 1}).shape() == Shape{0, 2, 2, 2, 2});
}

TEST_CASE("diagonal: opposite shifts are the adjoint, and a range symmetric about zero its own") {
  const Tensor x = case_values({1, 20, 18, 16, 22}, 2), y = case_values(x.shape(), 3);
  for (const ShiftRange& s : ranges) {
    const ShiftRange opposite{-s.row_hi, -s.row_lo, -s.col_hi, -s.col_lo};
    const double forward = test::inner(diagonal_sum(x, s).value(), y);
    CHECK(forward == doctest::Approx(test::inner(x, diagonal_sum(y, opposite).value())).epsilon(1e-10));
  }
}

TEST_CASE("diagonal: the same bits with any number of threads") {
  const Tensor x = case_values({2, 16, 12, 16, 12}, 4).to(DType::f32);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor one = diagonal_sum(x, {-1, 1, -1, 1}).value();
  set_num_threads(4);
  CHECK(test::same_bits(diagonal_sum(x, {-1, 1, -1, 1}).value(), one));
  set_num_threads(threads);
  CHECK_CLOSE(one, definition(x.to(DType::f64), {-1, 1, -1, 1}), 1e-6);
}

TEST_CASE("diagonal: errors name the op and the shapes") {
  CHECK(test::error_of([] {
          diagonal_sum(Tensor::zeros({4, 4}), {});
        }) == "[diagonal_sum] x must be (N,h,w,H,W), a matrix between positions of two grids, not (4,4)");
  CHECK(test::error_of([] {
          diagonal_sum(Tensor::zeros({1, 2, 2, 2, 2}), {1, 0, 0, 0});
        }) == "[diagonal_sum] the range of shifts is empty: rows 1 to 0, columns 0 to 0");
  CHECK(test::error_of([] {
          diagonal_sum(Tensor::zeros({1, 2, 2, 2, 2}, DType::u8), {});
        }) == "[diagonal_sum] works on f32 and f64, not u8");
}

}  // namespace lacuna
