#include <cmath>
#include <limits>

#include "tensor/tensor.h"
#include "tests/support/compare.h"

namespace lacuna {

using test::error_of;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

using Values = std::vector<double>;

}  // namespace

TEST_CASE("tensor: making one") {
  const Tensor x({2, 3}, DType::f64);
  CHECK(x.defined());
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.rank() == 2);
  CHECK(x.dim(-1) == 3);
  CHECK(x.numel() == 6);
  CHECK(x.nbytes() == 48);
  CHECK(x.dtype() == DType::f64);
  CHECK(x.device() == Device{});
  CHECK(empty_like(x).shape() == x.shape());
  CHECK(empty_like(x).dtype() == DType::f64);
  for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::u8}) {
    CHECK(Tensor::zeros({2, 2}, dtype).to_vector() == Values{0, 0, 0, 0});
    CHECK(Tensor::full({3}, 7, dtype).to_vector() == Values{7, 7, 7});
  }
  CHECK(Tensor::scalar(2.5).shape() == Shape{});
  CHECK(Tensor::scalar(2.5).item() == 2.5);
  CHECK(Tensor::from<int32_t>({2, 2}, {1, 2, 3, 4}).to_vector() == Values{1, 2, 3, 4});
  CHECK(Tensor({0, 4}).to_vector().empty());
}

TEST_CASE("tensor: copies share their elements, clones do not") {
  Tensor x = Tensor::from<float>({4}, {1, 2, 3, 4});
  const Tensor copy = x, cloned = x.clone(), square = x.reshaped({2, 2});
  x.data<float>()[0] = 9;
  CHECK(copy.at(0) == 9);
  CHECK(square.at(0) == 9);
  CHECK(square.shape() == Shape{2, 2});
  CHECK(cloned.at(0) == 1);
  CHECK(test::same_bits(cloned, Tensor::from<float>({4}, {1, 2, 3, 4})));
  CHECK(x.to(DType::f32).raw() == x.raw());
}

TEST_CASE("tensor: conversions round to nearest and clamp to the range of integers") {
  const Tensor x = Tensor::from<double>({10}, {0.5, 1.5, 2.5, -0.4, -7, 254.6, 256, 1e300, -infinity, nan});
  CHECK(x.to(DType::u8).to_vector() == Values{0, 2, 2, 0, 0, 255, 255, 255, 0, 0});
  CHECK(x.to(DType::i32).to_vector() == Values{0, 2, 2, 0, -7, 255, 256, 2147483647, -2147483648, 0});
  CHECK(Tensor::from<double>({2}, {1 + 0x1p-24, 1 + 0x3p-24}).to(DType::f32).to_vector() == Values{1, 1 + 0x1p-22});
  CHECK(Tensor::from<float>({3}, {1 + 0x1p-8f, 1 + 0x3p-8f, -INFINITY}).to(DType::bf16).to_vector() ==
        Values{1, 1 + 0x1p-6, -infinity});
  CHECK(std::isnan(x.to(DType::bf16).at(9)));
  CHECK(std::isnan(x.to(DType::f32).at(9)));
  CHECK(x.to(DType::f32).at(7) == infinity);
  for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::i32}) {
    const Tensor bytes = Tensor::from<uint8_t>({4}, {0, 1, 128, 255});
    CHECK(test::same_bits(bytes.to(dtype).to(DType::u8), bytes));
  }
}

TEST_CASE("tensor: errors") {
  const Tensor x = Tensor::zeros({2, 3});
  CHECK(error_of([] { Tensor::from<float>({2, 2}, {1, 2, 3}); }) == "[tensor] 3 values given for shape (2,2)");
  CHECK(error_of([&] { x.data<double>(); }) == "[tensor] the elements are f32, not f64");
  CHECK(error_of([] { Tensor().data<float>(); }) == "[tensor] an undefined tensor has no elements");
  CHECK(error_of([&] { x.reshaped({4}); }) == "[reshape] (2,3) has 6 elements and cannot become (4)");
  CHECK(error_of([&] { x.item(); }) == "[tensor] item() needs one element, the shape is (2,3)");
  CHECK(error_of([&] { x.at(6); }) == "[tensor] there is no element 6 in (2,3)");
  CHECK(error_of([&] { x.at(-1); }) == "[tensor] there is no element -1 in (2,3)");
}

}  // namespace lacuna
