#include "ops/resize/resize.h"

#include "autograd/tape.h"
#include "ops/resize/kernels.h"

namespace lacuna {
namespace {

/// The resized tensor, yet without values.
Tensor resized(const char* op, const Variable& x, int64_t height, int64_t width) {
  const Shape& s = x.shape();
  check(s.rank() == 4 && s[1] > 0 && s[2] > 0, "[", op, "] an image batch (N,H,W,C) with pixels is needed, not ", s);
  check(height > 0 && width > 0, "[", op, "] the new size must be positive, not ", height, " x ", width);
  return Tensor({s[0], height, width, s[3]}, x.dtype(), x.device());
}

}  // namespace

Variable resize_nearest(const Variable& x, int64_t height, int64_t width, const ResizeOptions& options) {
  Tensor y = resized("resize_nearest", x, height, width);
  on(x.device(), [&](auto& stream) { kernels::resize_nearest(stream, x.value(), options, y); });
  return record("resize_nearest", {x}, y, [h = x.dim(1), w = x.dim(2), options](const Vjp& v) {
    return Variables{resize_nearest_adjoint(v.cotangent(), h, w, options)};
  });
}

Variable resize_nearest_adjoint(const Variable& g, int64_t height, int64_t width, const ResizeOptions& options) {
  Tensor dx = resized("resize_nearest_adjoint", g, height, width);
  on(g.device(), [&](auto& stream) { kernels::resize_nearest_adjoint(stream, g.value(), options, dx); });
  return record("resize_nearest_adjoint", {g}, dx, [h = g.dim(1), w = g.dim(2), options](const Vjp& v) {
    return Variables{resize_nearest(v.cotangent(), h, w, options)};
  });
}

Variable resize_bilinear(const Variable& x, int64_t height, int64_t width, const ResizeOptions& options) {
  Tensor y = resized("resize_bilinear", x, height, width);
  on(x.device(), [&](auto& stream) { kernels::resize_bilinear(stream, x.value(), options, y); });
  return record("resize_bilinear", {x}, y, [h = x.dim(1), w = x.dim(2), options](const Vjp& v) {
    return Variables{resize_bilinear_adjoint(v.cotangent(), h, w, options)};
  });
}

Variable resize_bilinear_adjoint(const Variable& g, int64_t height, int64_t width, const ResizeOptions& options) {
  Tensor dx = resized("resize_bilinear_adjoint", g, height, width);
  on(g.device(), [&](auto& stream) { kernels::resize_bilinear_adjoint(stream, g.value(), options, dx); });
  return record("resize_bilinear_adjoint", {g}, dx, [h = g.dim(1), w = g.dim(2), options](const Vjp& v) {
    return Variables{resize_bilinear(v.cotangent(), h, w, options)};
  });
}

}  // namespace lacuna
