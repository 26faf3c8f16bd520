#include <cmath>

#include "ops/broadcast/broadcast.h"
#include "ops/broadcast/stretch.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {
namespace {

/// Offset of the element of `from` that lies under element `index` of `to`.
int64_t source(const Shape& from, const Shape& to, int64_t index) {
  int64_t offset = 0, step = 1;
  for (int back = 1; back <= to.rank(); ++back) {
    const int64_t position = index % to.dim(-back);
    index /= to.dim(-back);
    if (back > from.rank()) continue;
    if (from.dim(-back) != 1) offset += position * step;
    step *= from.dim(-back);
  }
  return offset;
}

struct Pair {
  Shape small, large;
};

// Runs longer and shorter than a block, summed axes in every place, extents that no block divides.
const Pair pairs[] = {{{}, {3, 50001}},
                      {{}, {7}},
                      {{1}, {1, 1}},
                      {{33}, {3, 60, 60, 33}},
                      {{2, 60, 60, 1}, {2, 60, 60, 33}},
                      {{2, 1, 1, 3}, {2, 130, 129, 3}},
                      {{1, 17, 1, 5}, {300, 17, 9, 5}},
                      {{1, 1, 700}, {3, 99, 700}},
                      {{20001}, {5, 20001}},
                      {{3}, {0, 3}},
                      {{0}, {3, 0}},
                      {{1, 3}, {0, 1, 3}}};

}  // namespace

TEST_CASE("broadcast: every case in every mode") { test::run_modes(broadcast_cases()); }

TEST_CASE("broadcast: both directions against the definition") {
  for (const auto& [small, large] : pairs) {
    CAPTURE(small.str());
    CAPTURE(large.str());
    const Tensor x = case_values(small, 1), y = case_values(large, 2);
    Tensor stretched(large, DType::f64), summed = Tensor::zeros(small, DType::f64);
    for (int64_t i = 0; i < large.numel(); ++i) {
      stretched.data<double>()[i] = x.data<double>()[source(small, large, i)];
      summed.data<double>()[source(small, large, i)] += y.data<double>()[i];
    }
    CHECK(test::same_bits(broadcast_to(x, large).value(), stretched));
    CHECK_CLOSE(sum_to(y, small).value(), summed, 1e-13);
  }
}

TEST_CASE("broadcast: broadcast_to and sum_to are adjoint at the networks' shapes") {
  for (const auto& [small, large] : {Pair{{64}, {2, 64, 64, 64}}, Pair{{2, 64, 64, 1}, {2, 64, 64, 64}},
                                     Pair{{2, 1, 1, 3}, {2, 256, 256, 3}}, Pair{{}, {4, 32, 32, 48}}}) {
    const Tensor x = case_values(small, 3), y = case_values(large, 4);
    const double left = test::inner(broadcast_to(x, large).value(), y),
                 right = test::inner(x, sum_to(y, small).value());
    CHECK(std::abs(left - right) <= 1e-10 * std::max(1.0, std::abs(left)));
  }
}

TEST_CASE("broadcast: an f32 sum is the exact sum, rounded once") {
  const Tensor x = case_values({3, 200, 200, 5}, 5).to(DType::f32);
  for (const Shape& to : {Shape{}, Shape{5}, Shape{3, 1, 1, 1}, Shape{200, 200, 1}}) {
    CHECK_CLOSE(sum_to(x, to).value(), sum_to(x.to(DType::f64), to).value(), 0x1.0p-24);
  }
}

TEST_CASE("broadcast: sums have the same bits for any number of threads") {
  const Tensor x = case_values({4, 90, 90, 7}, 6);
  const int threads = num_threads();
  for (const Shape& to : {Shape{}, Shape{7}, Shape{4, 1, 1, 1}, Shape{90, 1, 7}}) {
    set_num_threads(1);
    const Tensor expected = sum_to(x, to).value();
    for (int n : {2, 3, 8}) {
      set_num_threads(n);
      CHECK(test::same_bits(sum_to(x, to).value(), expected));
    }
  }
  set_num_threads(threads);
}

TEST_CASE("broadcast: axes along which nothing changes are merged") {
  CHECK(kernels::Stretch<2>({2, 3, 4}, {Shape{2, 3, 4}, Shape{}}).rank() == 1);
  CHECK(kernels::Stretch<2>({2, 3, 4, 5}, {Shape{2, 3, 4, 5}, Shape{5}}).rank() == 2);
  CHECK(kernels::Stretch<1>({2, 3, 4, 5}, {Shape{1, 3, 1, 5}}).rank() == 4);
}

TEST_CASE("broadcast: errors name the op and the shapes") {
  CHECK(broadcast_shape("add", {2, 1, 3}, {4, 1}) == Shape{2, 4, 3});
  CHECK(broadcast_shape("add", {0, 3}, {1}) == Shape{0, 3});
  CHECK(test::error_of([] {
          broadcast_shape("add", {2, 3}, {2});
        }) == "[add] shapes (2,3) and (2) do not broadcast: aligned from the last axis, extents must be equal or 1");
  CHECK(test::error_of([] {
          broadcast_to(Tensor::zeros({2, 3}), {1, 3});
        }) ==
        "[broadcast_to] x (2,3) cannot be stretched to (1,3): only extents of 1 and missing leading axes stretch");
  CHECK(test::error_of([] {
          sum_to(Tensor::zeros({3}), {2, 3});
        }) == "[sum_to] x (3) cannot be summed to (2,3): (2,3) does not stretch to x's shape");
  CHECK(test::error_of([] { sum_to(Tensor::zeros({3}, DType::u8), {}); }) == "[sum_to] works on f32 and f64, not u8");
}

}  // namespace lacuna
