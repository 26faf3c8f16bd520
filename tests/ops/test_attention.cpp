#include "ops/attention/attention.h"
#include "tests/support/compare.h"

namespace lacuna {

TEST_CASE("attend: errors name what does not fit") {
  const Tensor f = Tensor::zeros({2, 3, 4, 5}), picture = Tensor::zeros({2, 6, 8, 3});
  const Tensor available = Tensor::zeros({1, 12});
  CHECK(test::error_of([&] {
          attend({f, Tensor::zeros({2, 4, 3, 5}), picture, available}, {});
        }) == "[attend] f (2,3,4,5) and b (2,4,3,5) must have the same shape (N,h,w,C)");
  CHECK(test::error_of([&] {
          attend({f, f, picture, available}, {.rate = 3});
        }) == "[attend] the picture for f (2,3,4,5) at rate 3 must be (N,h*rate,w*rate,P), not (2,6,8,3)");
  CHECK(test::error_of([&] {
          attend({f, f, picture, Tensor::zeros({3, 12})}, {});
        }) == "[attend] available must be (N or 1,h*w) for f (2,3,4,5), not (3,12)");
  CHECK(test::error_of([&] {
          attend({f, f, picture.to(DType::f64), available}, {});
        }) == "[attend] the operands differ in type: f f32, b f32, picture f64, available f32");
  CHECK(test::error_of([&] {
          attend({f, f, picture, available}, {.ksize = 2});
        }) == "[attend] ksize and fuse_k must be odd, not 2 and 3");
  CHECK(test::error_of([&] {
          attend_backward(f, {f, f, picture, available}, {});
        }) == "[attend_backward] the cotangent is (2,3,4,5) f32, the picture (2,6,8,3) f32");
}

}  // namespace lacuna
