#pragma once

#include "tensor/image.h"

namespace lacuna {

/// The fine detail that a fill lacks, taken from where the attention looked: f32 (1,H,W,3), zero in known pixels, to be
/// added to the fill. `picture` is H x W, its hole (where mask (1,H,W,1) is 1) filled; the network saw it as height x
/// width and returned `offsets` (see GeneratorOutput).
///
/// Detail is what the picture loses when it is reduced by `scale` >= 1 and enlarged again. A hole pixel takes that of
/// the known pixels which lie from it as the attention's best match lies from its position, blended between the four
/// patches of positions around it, whose middles say where, so that its variance stays. After Yi, Tang, Azizi, Jang and
/// Xu, "Contextual Residual Aggregation for Ultra High-Resolution Image Inpainting", 2020.
Tensor detail_by_attention(const Image& picture, const Tensor& mask, const Tensor& offsets, int64_t height,
                           int64_t width, double scale);

}  // namespace lacuna
