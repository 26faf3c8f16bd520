#pragma once

#include "nets/attention_parts.h"

namespace lacuna::attention {

struct Composed {
  Variable y, attention;  // as in AttentionOutput
};

/// Contextual attention written in differentiable ops, on whole matrices between positions. f and b (N,h,w,C) are at
/// the grid's resolution, picture (N,H,W,P) is what is pasted, m from availability().
///
/// With G(i,j) = <f(i), b(j)> over single pixels the score of two patches is the sum of G(i+d,j+d) over the patch's
/// offsets d; the transposed convolution that pastes is, for each phase of the output within its rate x rate cell, the
/// sum of A(i+s,j+s) over the shifts s that reach it, times the same phase of the picture.
Composed compose(const Variable& f, const Variable& b, const Variable& picture, const Variable& m, const Grid& grid,
                 const AttentionOptions& options);

}  // namespace lacuna::attention
