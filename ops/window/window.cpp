#include "ops/window/window.h"

#include "autograd/tape.h"
#include "ops/window/kernels.h"

namespace lacuna {
namespace {

Tensor windows(const char* op, const Variable& x, const Tensor& corners, bool opposite, int64_t height, int64_t width) {
  check(x.rank() == 4 && corners.shape() == Shape{x.dim(0), 2} && corners.dtype() == DType::i32, "[", op, "] pictures ",
        x.shape(), " need corners (N,2) i32, not ", corners.shape(), " ", name_of(corners.dtype()));
  check(height >= 0 && width >= 0, "[", op, "] the size ", height, "x", width, " is none");
  Tensor y({x.dim(0), height, width, x.dim(3)}, x.dtype(), x.value().device());
  on(y.device(), [&](auto& stream) { kernels::windows(stream, x.value(), corners, opposite, y); });
  return y;
}

}  // namespace

Variable take_windows(const Variable& x, const Tensor& corners, int64_t height, int64_t width) {
  const int64_t from_height = x.dim(1), from_width = x.dim(2);
  return record("take_windows", {x}, windows("take_windows", x, corners, false, height, width), [=](const Vjp& v) {
    return Variables{place_windows(v.cotangent(), corners, from_height, from_width)};
  });
}

Variable place_windows(const Variable& y, const Tensor& corners, int64_t height, int64_t width) {
  const int64_t from_height = y.dim(1), from_width = y.dim(2);
  return record("place_windows", {y}, windows("place_windows", y, corners, true, height, width),
                [=](const Vjp& v) { return Variables{take_windows(v.cotangent(), corners, from_height, from_width)}; });
}

}  // namespace lacuna
