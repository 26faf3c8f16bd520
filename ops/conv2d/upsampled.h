#pragma once

#include "ops/conv2d/conv2d.h"

namespace lacuna {

/// conv2d_bias_act(resize_nearest(x, 2H, 2W), w, b, {.padding = padding}, activation) for a kernel of 3 x 3 and any
/// padding but valid, without the picture in between: x (N,H,W,Ci), y (N,2H,2W,Co).
///
/// The 2 x 2 outputs over a pixel read 2 x 2 pixels each. Backwards, a pixel of x has been read by the 4 x 4 outputs
/// around it: what their cotangents give is a convolution of stride 2 with the kernel cell_kernels(w).
Variable upsampled_conv2d_bias_act(const Variable& x, const Variable& w, const Variable& b, Padding padding,
                                   const Activation& activation = {});

/// The kernel (4,4,Co,Ci), linear in w (3,3,Ci,Co), that takes the 4 x 4 outputs around a pixel back to it: at each
/// place the sum of those taps of w by which that output reads the pixel.
Variable cell_kernels(const Variable& w);
/// Its adjoint: w (4,4,Co,Ci) to (3,3,Ci,Co).
Variable cell_kernels_adjoint(const Variable& w);

}  // namespace lacuna
