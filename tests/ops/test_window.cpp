#include "ops/concat/concat.h"
#include "ops/pad/pad.h"
#include "ops/window/window.h"
#include "tests/support/compare.h"
#include "tests/support/op_modes.h"

namespace lacuna {

TEST_CASE("window: every case in every mode") { test::run_modes(window_cases()); }

TEST_CASE("window: values are those of crops and pads") {
  const Variable x = case_values({3, 9, 11, 3}, 1);
  const std::vector<int32_t> at{0, 0, 4, 6, 2, 1};
  const Tensor corners = Tensor::from<int32_t>({3, 2}, at);
  const Variable y = take_windows(x, corners, 5, 4), back = place_windows(y, corners, 9, 11);
  for (int64_t n = 0; n < 3; ++n) {
    const int64_t top = at[2 * n], left = at[2 * n + 1];
    const Variable window = crop(slice(x, 0, n, 1), top, left, 5, 4);
    CHECK(test::same_bits(slice(y, 0, n, 1).value(), window.value()));
    CHECK(test::same_bits(slice(back, 0, n, 1).value(), pad(window, {top, 9 - top - 5, left, 11 - left - 4}).value()));
  }
}

TEST_CASE("window: beyond a picture there are zeros") {
  const Variable x = Tensor::from<float>({1, 2, 2, 1}, {1, 2, 3, 4});
  const Variable y = take_windows(x, Tensor::from<int32_t>({1, 2}, {-1, 1}), 3, 2);
  CHECK(y.value().to_vector() == std::vector<double>{0, 0, 2, 0, 4, 0});
}

TEST_CASE("window: the two are adjoint at the critics' shapes") {
  const Tensor corners = Tensor::from<int32_t>({2, 2}, {100, 3, 17, 128});
  const Variable x = case_values({2, 256, 256, 3}, 2), y = case_values({2, 128, 128, 3}, 3);
  const double forward = test::inner(take_windows(x, corners, 128, 128).value(), y.value());
  CHECK(forward == doctest::Approx(test::inner(x.value(), place_windows(y, corners, 256, 256).value())).epsilon(1e-12));
}

TEST_CASE("window: errors say what is wrong") {
  const Variable x = case_values({2, 4, 4, 3}, 4);
  CHECK(test::error_of([&] {
          take_windows(x, Tensor::from<int32_t>({1, 2}, {0, 0}), 2, 2);
        }) == "[take_windows] pictures (2,4,4,3) need corners (N,2) i32, not (1,2) i32");
}

}  // namespace lacuna
