#pragma once

#include "tensor/tensor.h"

namespace lacuna {

/// A filled picture with the fine texture that its fill lacks, taken from the known pixels around.
///
/// `picture` is (1,H,W,3) in [-1,1] with all its holes filled; unknown (1,H,W,1) is 1 in them and target (1,H,W,1)
/// where texture is wanted, a part of them. The network made the fill at 1 / reduction of this size (reduction >= 1).
/// Values differ from `picture` where target is 1 only, and may leave [-1,1] there.
///
/// Detail is what a picture loses when it is reduced by half and enlarged again. Patch by patch, each overlapping
/// the last, the hole takes that of a known patch which looks alike without it, fits the detail already there, and was
/// not taken often: example-based super-resolution (Freeman, Jones and Pasztor, 2002). This is done from coarse to
/// fine, on the picture reduced to less and less.
Tensor add_texture(const Tensor& picture, const Tensor& unknown, const Tensor& target, double reduction);

}  // namespace lacuna
