#pragma once

#include "tensor/image.h"

namespace lacuna {

/// How long a side of n pixels is when the picture is reduced by a factor > 0: to nearest, at least 1.
int64_t reduced_side(int64_t n, double factor);

/// The picture at another size, bilinear: the triangle filter of half-width max(1, in / out) on each axis, so that
/// every sample of the source counts where a side shrinks (no aliasing); cut and normalised at the border. Each channel
/// on its own, samples rounded to nearest. The picture itself if it has that size already. Throws Error unless height
/// and width are positive.
Image resize_image(const Image& image, int64_t height, int64_t width);

/// The same for f32 (1,H,W,3) in [-1,1], in steps of 16 bits, which are more than any picture shows. Values beyond are
/// clamped. x itself if it has that size.
Tensor resize_values(const Tensor& x, int64_t height, int64_t width);

/// The rectangle of height x width whose first pixel is (top, left); throws Error unless it lies within the picture.
Image crop_image(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width);

}  // namespace lacuna
