#pragma once

#include "tensor/image.h"
#include "train/model_file.h"

namespace lacuna {

struct Inpainted {
  Image filled;    ///< the picture with its hole filled by the fine result
  Image coarse;    ///< the same by the coarse result
  Tensor offsets;  ///< (1,h,w,2) i32: see GeneratorOutput
};

/// Fills a picture where mask (1,H,W,1) is 1. The results have the picture's size, channels and depth, and outside the
/// hole its very samples. Grey takes the luma of the result. Alpha stays, but a hole pixel that was transparent (alpha
/// below half, as in masks) becomes opaque: the fill would not be seen otherwise. Throws Error if the sizes differ, the
/// hole leaves nothing known or the network returns no numbers.
Inpainted inpaint(const Model& model, const Image& picture, const Tensor& mask, const MemoryOptions& memory = {});

/// The most memory that inpaint takes beside its arguments and the model, in bytes: an estimate from above.
int64_t inpaint_bytes(const Model& model, const Image& picture, const MemoryOptions& memory = {});

/// The picture where mask is 0, `generated` (1,H,W,3) in [-1,1] where it is 1, as inpaint says.
Image composite(const Image& picture, const Tensor& generated, const Tensor& mask);

/// `picture` with white where mask (1,H,W,1) is 1: what the network is given to see.
Image with_holes(const Image& picture, const Tensor& mask);

/// Pictures of one height as one, from left to right, in 8-bit RGB.
Image side_by_side(const std::vector<Image>& pictures);

/// The attention of every position as a colour: hue is the direction to the position it takes from, saturation the
/// distance relative to the largest (Middlebury's colour wheel; Baker et al., "A Database and Evaluation Methodology
/// for Optical Flow", 2011). offsets (1,h,w,2); each position covers cell x cell pixels of the height x width result.
Image flow_picture(const Tensor& offsets, int64_t cell, int64_t height, int64_t width);

}  // namespace lacuna
