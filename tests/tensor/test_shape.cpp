#include "tensor/shape.h"
#include "tests/support/compare.h"

namespace lacuna {

using test::error_of;

TEST_CASE("shape: extents, elements and text") {
  const Shape image{1, 256, 128, 3};
  CHECK(image.rank() == 4);
  CHECK(image.numel() == 256 * 128 * 3);
  CHECK(image.str() == "(1,256,128,3)");
  CHECK(image[1] == 256);
  CHECK(image.dim(2) == 128);
  CHECK(image.dim(-1) == 3);
  CHECK(image.dim(-4) == 1);
  CHECK(image.normalize(-2) == 2);
  CHECK(image.dims() == std::vector<int64_t>{1, 256, 128, 3});

  const Shape scalar;
  CHECK(scalar.rank() == 0);
  CHECK(scalar.numel() == 1);
  CHECK(scalar.str() == "()");
  CHECK(Shape{5, 0, 2}.numel() == 0);
  CHECK(Shape{1 << 20, 1 << 20}.numel() == int64_t{1} << 40);
}

TEST_CASE("shape: equality looks at rank and extents, whatever lay there before") {
  CHECK(Shape{2, 3} == Shape(std::vector<int64_t>{2, 3}));
  CHECK(!(Shape{2, 3} == Shape{3, 2}));
  CHECK(!(Shape{2, 3} == Shape{2, 3, 1}));
  CHECK(!(Shape{} == Shape{1}));
  Shape changed{2, 3};
  changed[1] = 7;
  CHECK(changed == Shape{2, 7});
}

TEST_CASE("shape: errors") {
  CHECK(error_of([] { Shape{2, -1}; }) == "[shape] an extent cannot be negative: -1");
  CHECK(error_of([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }) == "[shape] at most 8 axes are supported, not 9");
  CHECK(error_of([] { Shape({2, 3}).dim(2); }) == "[shape] there is no axis 2 in (2,3)");
  CHECK(error_of([] { Shape({2, 3}).normalize(-3); }) == "[shape] there is no axis -3 in (2,3)");
  CHECK(error_of([] { Shape().dim(0); }) == "[shape] there is no axis 0 in ()");
}

}  // namespace lacuna
