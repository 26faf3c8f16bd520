#pragma once

#include "nets/layers.h"

namespace lacuna {

/// A rectangle in each picture of a batch, all of one size.
struct Windows {
  struct Corner {
    int64_t top, left;
  };

  int64_t height = 0, width = 0;
  std::vector<Corner> corners;  ///< one for each picture
};

/// Windows around all pixels of the mask (N or 1,H,W,1) that are not 0, for a batch of n; of one pixel at the least.
Windows windows_around(const Tensor& mask, int64_t n);

/// How many of a stage's last layers look at their neighbourhood alone: those after the last of a stride or a dilation.
size_t narrow_layers(const ConvLayers& layers);

/// The windows of apply(layers, params, x), (N,height,width,C), of which no more is computed than they depend on: the
/// same to rounding. x is (N,H,W,C) as a whole, the layers have stride 1 and a padding that is not `valid`. Nothing is
/// recorded.
Variable apply_in_windows(const ConvLayers& layers, const Params& params, const Variable& x, const Windows& windows);

/// Windows (N,height,width,C) in their places in pictures of that size, zeros around them.
Variable in_place(const Variable& x, const Windows& windows, int64_t height, int64_t width);

}  // namespace lacuna
