#pragma once

#include <cstdint>

#include "autograd/variable.h"

namespace lacuna {

/// How a convolution continues its input beyond the border.
/// same: TensorFlow's rule, out = ceil(n / stride), zeros, asymmetric where the total is odd. valid: no padding.
/// reflect, symmetric: dilation * (k - 1) / 2 on every side, mirrored without / with the edge pixel repeated, as often
/// as needed.
enum class Padding : uint8_t { same, valid, reflect, symmetric };

struct Conv2dOptions {
  int64_t stride = 1;
  int64_t dilation = 1;
  Padding padding = Padding::same;
};

/// One axis of a convolution's geometry: output position o and tap t read input position o * stride + t * dilation -
/// before, which may lie outside [0, in).
struct Conv2dAxis {
  int64_t in, out, before;
};
/// Geometry along an axis of n elements with k taps. Throws if nothing comes out.
Conv2dAxis conv2d_axis(int64_t n, int64_t k, const Conv2dOptions& options);

/// The trilinear form T(x,w,g) = <conv2d(x,w), g> and its three faces, each other's VJPs. NHWC and HWIO:
/// x (N,H,W,Ci), w (kh,kw,Ci,Co), g (N,Ho,Wo,Co).
/// y(n,i,j,o) = sum over r,s,c of x(n, i stride + r dilation - before, ..., c) w(r,s,c,o)
Variable conv2d(const Variable& x, const Variable& w, const Conv2dOptions& options = {});
/// dT/dx for an input of `height` x `width`: the input gradient, also known as the transposed convolution.
Variable conv2d_input(const Variable& g, const Variable& w, int64_t height, int64_t width,
                      const Conv2dOptions& options = {});
/// dT/dw for a kernel of kh x kw: the weight gradient.
Variable conv2d_weight(const Variable& x, const Variable& g, int64_t kh, int64_t kw, const Conv2dOptions& options = {});

/// The functions that may follow a convolution in the same pass.
struct Activation {
  enum class Kind : uint8_t { none, elu, relu, leaky_relu, clip };  // clip: to [-1, 1]
  Kind kind = Kind::none;
  double slope = 0.2;  ///< of leaky_relu, >= 0
};

/// act(x): the definition of what an Activation stands for.
Variable activate(const Variable& x, const Activation& activation);

/// activate(conv2d(x, w) + b) in one pass; b (Co). That composition is its definition.
Variable conv2d_bias_act(const Variable& x, const Variable& w, const Variable& b, const Conv2dOptions& options = {},
                         const Activation& activation = {});

}  // namespace lacuna
