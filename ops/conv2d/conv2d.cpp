#include "ops/conv2d/conv2d.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/conv2d/activate.h"
#include "ops/conv2d/gather.h"
#include "ops/conv2d/kernels.h"

namespace lacuna {
namespace {

bool mirrors(const Conv2dOptions& options) {
  return options.padding == Padding::reflect || options.padding == Padding::symmetric;
}

void check_operands(const char* op, const char* first, const Variable& x, const char* second, const Variable& w) {
  check(x.rank() == 4 && w.rank() == 4, "[", op, "] ", first, " and ", second, " need four axes: ", first, " ",
        x.shape(), ", ", second, " ", w.shape());
  check(x.dtype() == w.dtype(), "[", op, "] ", first, " is ", name_of(x.dtype()), ", ", second, " ",
        name_of(w.dtype()));
}

Shape output_shape(const Shape& x, int64_t kh, int64_t kw, int64_t channels, const Conv2dOptions& options) {
  return {x[0], conv2d_axis(x[1], kh, options).out, conv2d_axis(x[2], kw, options).out, channels};
}

Tensor forward(const char* op, const Variable& x, const Variable& w, const Variable& b, const Conv2dOptions& options,
               const Activation& activation) {
  check_operands(op, "x", x, "kernel", w);
  check(x.dim(3) == w.dim(2), "[", op, "] kernel expects ", w.dim(2), " input channels, x has ", x.dim(3), ": x ",
        x.shape(), ", kernel ", w.shape());
  if (b.defined()) {
    check(b.shape() == Shape{w.dim(3)} && b.dtype() == x.dtype(), "[", op, "] the bias must be ", Shape{w.dim(3)}, " ",
          name_of(x.dtype()), ", not ", b.shape(), " ", name_of(b.dtype()));
  }
  Tensor y(output_shape(x.shape(), w.dim(0), w.dim(1), w.dim(3), options), x.dtype(), x.device());
  on(x.device(),
     [&](auto& stream) { kernels::conv2d(stream, x.value(), w.value(), b.value(), options, activation, y); });
  return y;
}

}  // namespace

Conv2dAxis conv2d_axis(int64_t n, int64_t k, const Conv2dOptions& options) {
  const int64_t s = options.stride, d = options.dilation;
  check(s >= 1 && d >= 1, "[conv2d] stride and dilation are at least 1, not ", s, " and ", d);
  check(n >= 1 && k >= 1, "[conv2d] an axis of ", n, " pixels under a kernel of ", k, " gives no output");
  const int64_t extent = (k - 1) * d + 1;
  if (options.padding == Padding::same) {
    const int64_t out = (n + s - 1) / s;
    return {n, out, std::max<int64_t>((out - 1) * s + extent - n, 0) / 2};
  }
  const int64_t before = mirrors(options) ? d * (k - 1) / 2 : 0;
  check(n + 2 * before >= extent, "[conv2d] an axis of ", n, " pixels is shorter than the kernel's extent ", extent);
  return {n, (n + 2 * before - extent) / s + 1, before};
}

Variable conv2d(const Variable& x, const Variable& w, const Conv2dOptions& options) {
  return record("conv2d", {x, w}, forward("conv2d", x, w, {}, options, {}), [x, w, options](const Vjp& v) {
    const Variable& g = v.cotangent();
    return Variables{v.needs(0) ? conv2d_input(g, w, x.dim(1), x.dim(2), options) : Variable(),
                     v.needs(1) ? conv2d_weight(x, g, w.dim(0), w.dim(1), options) : Variable()};
  });
}

Variable conv2d_input(const Variable& g, const Variable& w, int64_t height, int64_t width,
                      const Conv2dOptions& options) {
  check_operands("conv2d_input", "g", g, "kernel", w);
  const Shape expected = output_shape({g.dim(0), height, width, w.dim(2)}, w.dim(0), w.dim(1), w.dim(3), options);
  check(g.shape() == expected, "[conv2d_input] g must be ", expected, " for a ", height, "x", width,
        " input and kernel ", w.shape(), ", not ", g.shape());
  if (mirrors(options)) {
    // conv2d = (valid conv2d) after pad, so this is unpad after the valid input gradient.
    const int64_t rows = conv2d_axis(height, w.dim(0), options).before,
                  columns = conv2d_axis(width, w.dim(1), options).before;
    Conv2dOptions valid = options;
    valid.padding = Padding::valid;
    return unpad(conv2d_input(g, w, height + 2 * rows, width + 2 * columns, valid), {rows, rows, columns, columns},
                 kernels::pad_mode(options.padding));
  }
  Tensor dx({g.dim(0), height, width, w.dim(2)}, g.dtype(), g.device());
  on(g.device(), [&](auto& stream) { kernels::conv2d_input(stream, g.value(), w.value(), options, dx); });
  return record("conv2d_input", {g, w}, dx, [g, w, options](const Vjp& v) {
    const Variable& h = v.cotangent();
    return Variables{v.needs(0) ? conv2d(h, w, options) : Variable(),
                     v.needs(1) ? conv2d_weight(h, g, w.dim(0), w.dim(1), options) : Variable()};
  });
}

Variable conv2d_weight(const Variable& x, const Variable& g, int64_t kh, int64_t kw, const Conv2dOptions& options) {
  check_operands("conv2d_weight", "x", x, "g", g);
  const Shape expected = output_shape(x.shape(), kh, kw, g.dim(3), options);
  check(g.shape() == expected, "[conv2d_weight] g must be ", expected, " for x ", x.shape(), " and a ", kh, "x", kw,
        " kernel, not ", g.shape());
  Tensor dw({kh, kw, x.dim(3), g.dim(3)}, x.dtype(), x.device());
  on(x.device(), [&](auto& stream) { kernels::conv2d_weight(stream, x.value(), g.value(), options, dw); });
  return record("conv2d_weight", {x, g}, dw, [x, g, options](const Vjp& v) {
    const Variable& h = v.cotangent();
    return Variables{v.needs(0) ? conv2d_input(g, h, x.dim(1), x.dim(2), options) : Variable(),
                     v.needs(1) ? conv2d(x, h, options) : Variable()};
  });
}

Variable conv2d_bias_act(const Variable& x, const Variable& w, const Variable& b, const Conv2dOptions& options,
                         const Activation& activation) {
  if (recording() && !output_tells(activation)) return activate(conv2d_bias_act(x, w, b, options, {}), activation);
  check(activation.slope >= 0, "[conv2d_bias_act] a negative slope, ", activation.slope,
        ", cannot be told from the output");
  const Tensor y = forward("conv2d_bias_act", x, w, b, options, activation);
  return record("conv2d_bias_act", {x, w, b}, y, [x, w, y, options, activation](const Vjp& v) {
    const auto [g, sums] = activation_vjp(v.cotangent(), v.output(y), activation, v.needs(2));
    return Variables{v.needs(0) ? conv2d_input(g, w, x.dim(1), x.dim(2), options) : Variable(),
                     v.needs(1) ? conv2d_weight(x, g, w.dim(0), w.dim(1), options) : Variable(), sums};
  });
}

}  // namespace lacuna
