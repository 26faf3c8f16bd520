#pragma once

#include "tensor/image.h"
#include "train/model_file.h"

namespace lacuna {

struct Inpainted {
  Image filled;    ///< the picture with its hole filled by the fine result
  Image coarse;    ///< the same by the coarse result
  Tensor offsets;  ///< (1,h,w,2) i32: see GeneratorOutput
};

/// What the generator makes of a picture: RGB in [-1,1], (1,H,W,3), on the CPU.
struct Generated {
  Tensor fine, coarse;
  Tensor offsets;  ///< (1,h,w,2) i32: see GeneratorOutput
};

/// The generator's whole result, known pixels included. Throws as inpaint does.
Generated generate(const Model& model, const Image& picture, const Tensor& mask, const MemoryOptions& memory = {});

/// Fills a picture where mask (1,H,W,1) is 1. The results have the picture's size, channels and depth, and outside the
/// hole its very samples. Grey takes the luma of the result. Alpha stays, but a hole pixel that was transparent (alpha
/// below half, as in masks) becomes opaque: the fill would not be seen otherwise. Throws Error if the sizes differ, the
/// hole leaves nothing known or the network returns no numbers.
Inpainted inpaint(const Model& model, const Image& picture, const Tensor& mask, const MemoryOptions& memory = {});

/// The most memory that inpaint takes for a picture of height x width beside its arguments and the model, in bytes: an
/// estimate from above.
int64_t inpaint_bytes(const Model& model, int64_t height, int64_t width, const MemoryOptions& memory = {});

/// Throws Error unless mask is (1,H,W,1) of the picture's size.
void check_mask(const Tensor& mask, const Image& picture);

/// The mask (1,H,W,1) for the picture reduced to height x width: a pixel is in the hole if anything of the hole went
/// into it, so that nothing of what was there bleeds into the known pixels.
Tensor reduce_mask(const Tensor& mask, int64_t height, int64_t width);

/// The picture where mask is 0, `generated` (1,H,W,3) in [-1,1] where it is 1, as inpaint says.
Image composite(const Image& picture, const Tensor& generated, const Tensor& mask);

/// `picture` with white where mask (1,H,W,1) is 1: what the network is given to see.
Image with_holes(const Image& picture, const Tensor& mask);

/// Pictures of one height as one, from left to right, in 8-bit RGB.
Image side_by_side(const std::vector<Image>& pictures);

}  // namespace lacuna
