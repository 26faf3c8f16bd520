#include "ops/unfold/unfold.h"

#include "autograd/tape.h"
#include "ops/unfold/functors.h"
#include "ops/unfold/kernels.h"

namespace lacuna {
namespace {

/// The shape of the patches of a picture.
Shape patches_shape(const char* op, const Shape& picture, const PatchOptions& o) {
  check(o.kernel >= 1 && o.stride >= 1, "[", op, "] kernel and stride must be at least 1, not ", o.kernel, " and ",
        o.stride);
  check(o.same || (picture[1] >= o.kernel && picture[2] >= o.kernel), "[", op, "] no patch of ", o.kernel, " x ",
        o.kernel, " lies inside ", picture, "; use smaller patches or same = true");
  const int64_t rows = functors::patch_axis(picture[1], o).count, cols = functors::patch_axis(picture[2], o).count;
  return {picture[0], rows, cols, o.kernel * o.kernel * picture[3]};
}

}  // namespace

Variable unfold(const Variable& x, const PatchOptions& options) {
  check(x.rank() == 4, "[unfold] an image batch (N,H,W,C) is needed, not ", x.shape());
  Tensor y(patches_shape("unfold", x.shape(), options), x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::unfold(stream, x.value(), options, y); });
  return record("unfold", {x}, y, [h = x.dim(1), w = x.dim(2), options](const Vjp& v) {
    return Variables{fold(v.cotangent(), h, w, options)};
  });
}

Variable fold(const Variable& patches, int64_t height, int64_t width, const PatchOptions& options) {
  const Shape& s = patches.shape();
  check(s.rank() == 4, "[fold] patches (N,Ho,Wo,kernel*kernel*C) are needed, not ", s);
  check(height >= 0 && width >= 0, "[fold] the size of the picture cannot be negative: ", height, " x ", width);
  const int64_t area = options.kernel * options.kernel;
  check(area > 0 && s[3] % area == 0, "[fold] ", s[3], " elements a patch cannot be ", options.kernel, " x ",
        options.kernel, " pixels: ", s);
  const Shape picture{s[0], height, width, s[3] / area}, expected = patches_shape("fold", picture, options);
  check(s == expected, "[fold] a picture ", picture, " has patches ", expected, ", not ", s);
  Tensor y(picture, patches.dtype(), patches.device());
  on(patches.device(), [&](auto& stream) { kernels::fold(stream, patches.value(), options, y); });
  return record("fold", {patches}, y, [options](const Vjp& v) { return Variables{unfold(v.cotangent(), options)}; });
}

}  // namespace lacuna
