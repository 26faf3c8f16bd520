#pragma once

#include <string_view>
#include <vector>

#include "nets/contextual_attention.h"
#include "ops/diagonal/diagonal.h"

/// The steps that the formulations of contextual attention have in common. A matrix between positions of the h x w grid
/// is (N,h,w,h,w), foreground first.
namespace lacuna::attention {

/// The extents of the matched grid. Throws unless f, b, mask and options fit together (METHOD section 3).
struct Grid {
  int64_t n, h, w;
  int64_t positions() const { return h * w; }
};
Grid check_inputs(const Variable& f, const Variable& b, const Tensor& mask, const AttentionOptions& options);

/// Step 1: x at 1/rate of its resolution.
Variable downscale(const Variable& x, int64_t rate);

/// Step 2's denominator (N,1,1,h,w): the length of the ksize x ksize patch of b at each position, at least 1e-4.
Variable patch_norms(const Variable& b_small, int64_t ksize);

/// Step 4: m (N or 1,1,1,h,w), 1 where the patch of the downscaled mask holds no hole pixel, else 0.
Variable availability(const Tensor& mask, const AttentionOptions& options, DType dtype);

/// Step 4: softmax over the background of scale * scores * m, times m.
Variable weights(const Variable& scores, const Variable& m, double scale);

/// Step 5: row and column of the largest weight of each foreground position, (N,rows,w,2).
Tensor best_matches(const Tensor& attention);

/// Step 6 in phases: the pixels of b at the same place within each rate x rate cell are one phase. The phases whose
/// output comes from the same shifts of the attention form a group (at most two along each axis).
struct PhaseGroup {
  int64_t phase_row, phase_col;  ///< the first phase
  int64_t rows, cols;            ///< how many phases, in either direction
  ShiftRange shifts;
  Variable pixels;               ///< (N,h*w,rows*cols*C), over 4
};
std::vector<PhaseGroup> phase_groups(const Variable& b, int64_t rate);

/// Step 6 for grid rows [skip, skip + count) of the attention (N,rows,w,h,w): (N,count*rate,w*rate,C).
Variable paste(const Variable& attention, const std::vector<PhaseGroup>& groups, int64_t rate, int64_t skip,
               int64_t count);

/// The whole of steps 2 and 3 at once: S' from f and b at 1/rate of the resolution.
Variable propagated_scores(const Variable& f_small, const Variable& b_small, const AttentionOptions& options);

}  // namespace lacuna::attention
