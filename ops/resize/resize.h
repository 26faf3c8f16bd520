#pragma once

#include "autograd/variable.h"

namespace lacuna {

struct ResizeOptions {
  /// true: the corner pixels' centres coincide, src = i (in - 1) / (out - 1), nearest rounds half up (as TensorFlow 1).
  /// false: nearest src = floor(i in / out); bilinear src = (i + 0.5) in / out - 0.5, held within the picture.
  bool align_corners = true;
};

/// Nearest-neighbour resize of x (N,H,W,C), of any element type, to height x width. VJP: resize_nearest_adjoint.
Variable resize_nearest(const Variable& x, int64_t height, int64_t width, const ResizeOptions& options = {});
/// The adjoint: each output cotangent is added to the pixel it was read from; height x width is the size of the result.
Variable resize_nearest_adjoint(const Variable& g, int64_t height, int64_t width, const ResizeOptions& options = {});

/// Bilinear resize of x (N,H,W,C) to height x width. VJP: resize_bilinear_adjoint.
Variable resize_bilinear(const Variable& x, int64_t height, int64_t width, const ResizeOptions& options = {});
/// The adjoint; height x width is the size of the result. VJP: resize_bilinear.
Variable resize_bilinear_adjoint(const Variable& g, int64_t height, int64_t width, const ResizeOptions& options = {});

}  // namespace lacuna
