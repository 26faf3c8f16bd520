#pragma once

#include <array>

#include "tensor/image.h"

namespace lacuna {

/// Middlebury's colour of a displacement (Baker et al., "A Database and Evaluation Methodology for Optical Flow",
/// 2011): the hue is its direction, the saturation its length, at most 1. 8-bit RGB.
std::array<uint16_t, 3> flow_colour(double down, double right);

/// The attention of every position as a colour (see flow_colour): the way to the position it takes from, relative to
/// the longest. offsets (1,h,w,2); each position covers cell x cell pixels of the height x width result.
Image flow_picture(const Tensor& offsets, int64_t cell, int64_t height, int64_t width);

}  // namespace lacuna
