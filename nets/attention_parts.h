#pragma once

#include "nets/contextual_attention.h"

/// What the formulations of contextual attention have in common: the steps of METHOD section 3 that leave no choice.
namespace lacuna::attention {

/// The grid that f and b are matched on: H / rate x W / rate positions.
struct Grid {
  int64_t n, h, w;
  int64_t positions() const { return h * w; }
};
/// Throws unless f, b, mask and options fit together.
Grid grid_of(const Variable& f, const Variable& b, const Tensor& mask, const AttentionOptions& options);

/// x (N,H,W,C) at 1/rate of its resolution.
Variable downscale(const Variable& x, const Grid& grid);

/// m (N or 1,1,1,L): 1 where the patch of the downscaled mask holds no hole pixel, else 0.
Variable availability(const Tensor& mask, const Grid& grid, int64_t ksize, DType dtype);

/// softmax(scale * scores * m) * m along the last axis; scores (N,rows,w,L). Hand the scores over, so that their memory
/// is released as soon as it can be.
Variable weights(Variable scores, const Variable& m, double scale);

/// Row and column of each position's largest weight, (N,rows,w,2) i32, for attention (N,rows,w,L).
Tensor best_matches(const Tensor& attention, const Grid& grid);

}  // namespace lacuna::attention
