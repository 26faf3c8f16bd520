#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// Patches of kernel x kernel pixels taken every `stride` pixels. With `same`, TensorFlow's rule: ceil(n / stride)
/// positions, zeros outside, the smaller half of the total before; otherwise only the patches that lie inside.
struct PatchOptions {
  int64_t kernel = 3;
  int64_t stride = 1;
  bool same = true;
};

/// x (N,H,W,C) -> (N,Ho,Wo,kernel*kernel*C), a patch's elements in the order row, column, channel. VJP: fold.
Variable unfold(const Variable& x, const PatchOptions& options);
/// The adjoint: patches are added back into a (N,height,width,C) picture. VJP: unfold.
Variable fold(const Variable& patches, int64_t height, int64_t width, const PatchOptions& options);

}  // namespace lacuna
