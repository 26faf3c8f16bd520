#pragma once

#include "ops/conv2d/conv2d.h"

namespace lacuna {

/// conv2d_bias_act(resize_nearest(x, 2H, 2W), w, b, {.padding = padding}, activation) for a kernel of 3 x 3 and any
/// padding but valid, without the picture in between: x (N,H,W,Ci), y (N,2H,2W,Co).
///
/// The 2 x 2 outputs over a pixel of x read its 3 x 3 neighbourhood, so that they are four times as many channels of a
/// convolution of x itself, with the kernel phase_kernels(w).
Variable upsampled_conv2d_bias_act(const Variable& x, const Variable& w, const Variable& b, Padding padding,
                                   const Activation& activation = {});

/// The kernel (3,3,Ci,4Co) that gives all 2 x 2 outputs over a pixel, linear in w (3,3,Ci,Co): channels (row, column,
/// Co), at each place the sum of those taps of w that fall on it.
Variable phase_kernels(const Variable& w);
/// Its adjoint: w (3,3,Ci,4Co) to (3,3,Ci,Co).
Variable phase_kernels_adjoint(const Variable& w);

}  // namespace lacuna
