#include "ops/conv2d/upsampled.h"

#include "autograd/tape.h"
#include "ops/concat/concat.h"
#include "ops/conv2d/activate.h"
#include "ops/conv2d/kernels.h"
#include "ops/matmul/matmul.h"

namespace lacuna {
namespace {

/// Which taps of w fall on which places: kernels::tap_places.
Variable tap_places(const Variable& w) {
  Tensor places({36, 9}, w.dtype(), w.device());
  on(w.device(), [&](auto& stream) { kernels::tap_places(stream, places); });
  return places;
}

/// The 2 x 2 pixels of each cell of (N,2H,2W,C) as channels: (N,H,W,4C).
Variable cells_to_channels(const Variable& x) {
  const int64_t n = x.dim(0), h = x.dim(1) / 2, w = x.dim(2) / 2, c = x.dim(3);
  return reshape(permute(reshape(x, {n, h, 2, w, 2, c}), {0, 1, 3, 2, 4, 5}), {n, h, w, 4 * c});
}

}  // namespace

Variable phase_kernels(const Variable& w) {
  const int64_t ci = w.dim(2), co = w.dim(3);
  const Variable kernels = matmul(tap_places(w), reshape(w, {9, ci * co}));
  return reshape(permute(reshape(kernels, {9, 4, ci, co}), {0, 2, 1, 3}), {3, 3, ci, 4 * co});
}

Variable phase_kernels_adjoint(const Variable& w) {
  const int64_t ci = w.dim(2), co = w.dim(3) / 4;
  const Variable phases = reshape(permute(reshape(w, {9, ci, 4, co}), {0, 2, 1, 3}), {36, ci * co});
  return reshape(matmul(tap_places(w), phases, {.transpose_a = true}), {3, 3, ci, co});
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
  // Mirrored with or without its border pixels, the doubled picture goes on with the border pixels of x themselves.
  const Conv2dOptions options{.padding = padding == Padding::same ? Padding::same : Padding::symmetric};
  return record(op, {x, w, b}, y, [x, w, y, options, activation](const Vjp& v) {
    const auto [g, sums] = activation_vjp(v.cotangent(), v.output(y), activation, v.needs(2));
    Variables cotangents{Variable(), Variable(), sums};
    if (!v.needs(0) && !v.needs(1)) return cotangents;
    const Variable cells = cells_to_channels(g);
    if (v.needs(0)) cotangents[0] = conv2d_input(cells, phase_kernels(w), x.dim(1), x.dim(2), options);
    if (v.needs(1)) cotangents[1] = phase_kernels_adjoint(conv2d_weight(x, cells, 3, 3, options));
    return cotangents;
  });
}

}  // namespace lacuna
