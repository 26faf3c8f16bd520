#include "ops/conv2d/upsampled.h"

#include "autograd/tape.h"
#include "ops/concat/concat.h"
#include "ops/conv2d/activate.h"
#include "ops/conv2d/kernels.h"
#include "ops/matmul/matmul.h"
#include "ops/pad/pad.h"

namespace lacuna {
namespace {

/// Which output reads a pixel by which tap: kernels::tap_places.
Variable tap_places(const Variable& w) {
  Tensor places({16, 9}, w.dtype(), w.device());
  on(w.device(), [&](auto& stream) { kernels::tap_places(stream, places); });
  return places;
}

}  // namespace

Variable cell_kernels(const Variable& w) {
  const int64_t ci = w.dim(2), co = w.dim(3);
  const Variable kernels = matmul(tap_places(w), reshape(w, {9, ci * co}));
  return reshape(permute(reshape(kernels, {16, ci, co}), {0, 2, 1}), {4, 4, co, ci});
}

Variable cell_kernels_adjoint(const Variable& w) {
  const int64_t co = w.dim(2), ci = w.dim(3);
  const Variable kernels = reshape(permute(reshape(w, {16, co, ci}), {0, 2, 1}), {16, ci * co});
  return reshape(matmul(tap_places(w), kernels, {.transpose_a = true}), {3, 3, ci, co});
}

Variable upsampled_conv2d_bias_act(const Variable& x, const Variable& w, const Variable& b, Padding padding,
                                   const Activation& activation) {
  if (recording() && !output_tells(activation)) {
    return activate(upsampled_conv2d_bias_act(x, w, b, padding, {}), activation);
  }
  constexpr const char* op = "upsampled_conv2d_bias_act";
  check(x.rank() == 4 && w.rank() == 4 && w.dim(0) == 3 && w.dim(1) == 3 && w.dim(2) == x.dim(3), "[", op,
        "] needs x (N,H,W,Ci) and a kernel (3,3,Ci,Co), not ", x.shape(), " and ", w.shape());
  check(b.shape() == Shape{w.dim(3)}, "[", op, "] the bias must be ", Shape{w.dim(3)}, ", not ", b.shape());
  check(x.dtype() == w.dtype() && x.dtype() == b.dtype(), "[", op, "] x is ", name_of(x.dtype()), ", the kernel ",
        name_of(w.dtype()), ", the bias ", name_of(b.dtype()));
  check(padding != Padding::valid, "[", op, "] needs padding on every side, not valid");
  check(activation.slope >= 0, "[", op, "] a negative slope, ", activation.slope, ", cannot be told from the output");

  Tensor y({x.dim(0), 2 * x.dim(1), 2 * x.dim(2), w.dim(3)}, x.dtype(), x.device());
  on(x.device(),
     [&](auto& stream) { kernels::conv2d_upsampled(stream, x.value(), w.value(), b.value(), padding, activation, y); });
  return record(op, {x, w, b}, y, [x, w, y, padding, activation](const Vjp& v) {
    const auto [g, sums] = activation_vjp(v.cotangent(), v.output(y), activation, v.needs(2));
    Variables cotangents{Variable(), Variable(), sums};
    if (!v.needs(0) && !v.needs(1)) return cotangents;
    // Mirrored with or without its border pixels, the doubled picture goes on with the border pixels of x themselves:
    // as if x had one pixel more on every side, which the outputs at the border read.
    const int64_t border = padding == Padding::same ? 0 : 1;
    const auto bordered = [](const Variable& t, int64_t n, PadMode mode) {
      return n > 0 ? pad(t, {n, n, n, n}, mode) : t;
    };
    const Variable outputs = bordered(g, 2 * border, PadMode::zero);
    const Conv2dOptions options{.stride = 2};
    if (v.needs(0)) {
      const Variable dx = conv2d(outputs, cell_kernels(w), options);
      cotangents[0] = border ? unpad(dx, {1, 1, 1, 1}, PadMode::symmetric) : dx;
    }
    if (v.needs(1)) {
      const Variable pixels = bordered(x, border, PadMode::symmetric);
      cotangents[1] = cell_kernels_adjoint(conv2d_weight(outputs, pixels, 4, 4, options));
    }
    return cotangents;
  });
}

}  // namespace lacuna
