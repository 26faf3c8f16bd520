#pragma once

#include "nets/layers.h"

namespace lacuna {

/// A stage's layers by resolution.
struct Parts {
  ConvLayers encoder;  ///< down to the lowest
  ConvLayers middle;   ///< at the lowest
  ConvLayers decoder;  ///< up from it
};
Parts parts_of(const ConvLayers& layers);

/// apply() to `strips` strips of rows one after the other, so that what lies between the first layer's input and the
/// last one's output exists for a strip only. x (N,H,W,C) is cut where the kernels' tiles begin; each strip is computed
/// with the rows around it that it depends on, and gives the bits of the whole picture. That costs time: near a cut,
/// layers are computed twice. Nothing is recorded. For layers of odd kernels whose padding is not `valid`.
Variable apply_in_strips(const ConvLayers& layers, const Params& params, Variable x, int64_t strips);

/// The most elements that apply_in_strips has at a time for one picture of height x width, x included.
int64_t elements_in_strips(const ConvLayers& layers, int64_t height, int64_t width, int64_t strips);

}  // namespace lacuna
