#pragma once

#include <vector>

#include "train/fill_holes.h"

namespace lacuna {

/// A pixel of a picture: column and row.
struct Pixel {
  int64_t x = 0, y = 0;
};

/// Where the attention looked, to be looked at: the picture in pale grey, each hole pixel in the colour of the way from
/// it to where it looks (Middlebury's wheel; the longest way is saturated), and beside the picture the wheel, with the
/// longest way in pixels below it. From the hole pixels `chosen`, lines lead to where they look; without any, from a
/// few spread over the holes. Throws Error if a chosen pixel is in no hole or there are no offsets.
Image attention_picture(const Image& picture, const std::vector<PartLook>& looks, const std::vector<Pixel>& chosen);

}  // namespace lacuna
