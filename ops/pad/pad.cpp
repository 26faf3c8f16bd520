#include "ops/pad/pad.h"

#include "autograd/tape.h"
#include "ops/pad/kernels.h"

namespace lacuna {
namespace {

void check_arguments(const char* op, const Shape& shape, const Padding2d& p) {
  check(shape.rank() == 4, "[", op, "] an image batch (N,H,W,C) is needed, not ", shape);
  check(p.top >= 0 && p.bottom >= 0 && p.left >= 0 && p.right >= 0, "[", op, "] a padding cannot be negative: top ",
        p.top, ", bottom ", p.bottom, ", left ", p.left, ", right ", p.right, "; use crop to cut off");
}

}  // namespace

Variable pad(const Variable& x, const Padding2d& padding, PadMode mode) {
  check_arguments("pad", x.shape(), padding);
  const Shape& s = x.shape();
  check(mode == PadMode::zero || (s[1] > 0 && s[2] > 0), "[pad] an empty picture cannot be mirrored: ", s);
  const Padding2d& p = padding;
  Tensor y({s[0], p.top + s[1] + p.bottom, p.left + s[2] + p.right, s[3]}, x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::pad(stream, x.value(), p, mode, y); });
  return record("pad", {x}, y, [p, mode](const Vjp& v) { return Variables{unpad(v.cotangent(), p, mode)}; });
}

Variable unpad(const Variable& g, const Padding2d& padding, PadMode mode) {
  check_arguments("unpad", g.shape(), padding);
  const Shape& s = g.shape();
  const Padding2d& p = padding;
  const int64_t height = s[1] - p.top - p.bottom, width = s[2] - p.left - p.right,
                least = mode == PadMode::zero ? 0 : 1;
  check(height >= least && width >= least, "[unpad] g ", s, " is smaller than its padding: top ", p.top, ", bottom ",
        p.bottom, ", left ", p.left, ", right ", p.right);
  if (mode == PadMode::zero) return crop(g, p.top, p.left, height, width);
  Tensor dx({s[0], height, width, s[3]}, g.dtype(), g.device());
  on(g.device(), [&](auto& stream) { kernels::unpad(stream, g.value(), p, mode, dx); });
  return record("unpad", {g}, dx, [p, mode](const Vjp& v) { return Variables{pad(v.cotangent(), p, mode)}; });
}

Variable crop(const Variable& x, int64_t top, int64_t left, int64_t height, int64_t width) {
  check(x.rank() == 4, "[crop] an image batch (N,H,W,C) is needed, not ", x.shape());
  const Shape& s = x.shape();
  const Padding2d rest{top, s[1] - top - height, left, s[2] - left - width};
  check(top >= 0 && left >= 0 && height >= 0 && width >= 0 && rest.bottom >= 0 && rest.right >= 0, "[crop] rows [", top,
        ", ", top + height, ") and columns [", left, ", ", left + width, ") do not lie within ", s);
  Tensor y({s[0], height, width, s[3]}, x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::crop(stream, x.value(), top, left, y); });
  return record("crop", {x}, y, [rest](const Vjp& v) { return Variables{pad(v.cotangent(), rest)}; });
}

}  // namespace lacuna
