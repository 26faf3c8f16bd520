#pragma once

#include "nets/layers.h"

namespace lacuna {

/// What the paper compares contextual attention with: layers that predict for every position of the features where it
/// is to be read from, by bilinear sampling. Both know one place for a position, where attention weighs all.

/// Appearance flow (Zhou, Tulsiani, Sun, Malik and Efros, "View Synthesis by Appearance Flow", 2016): two convolutions
/// make an offset of each position's features, in positions.
ConvLayers appearance_flow_layers(int64_t channels, Padding padding);
/// Position plus offset for features x (N,h,w,C): (N,h,w,2), row and column.
Variable appearance_flow_places(const ConvLayers& layers, const Params& params, const Variable& x);

/// A spatial transformer (Jaderberg, Simonyan, Zisserman and Kavukcuoglu, "Spatial Transformer Networks", 2015): two
/// convolutions of stride 2, their mean over all positions and a linear layer make one affine map of the whole.
ConvLayers spatial_transformer_layers(int64_t channels, Padding padding);
/// Makes the map that of a position to itself, where training is to begin.
void set_identity(const ConvLayers& spatial_transformer, Params& params);
/// For features x (N,h,w,C): (N,h,w,2), the row and column that A (r, c, 1) names for position (r, c), both counted
/// from -1 to 1 over the features' extent; A (2 x 3) is the linear layer's output.
Variable spatial_transformer_places(const ConvLayers& layers, const Params& params, const Variable& x);

/// The places moved to where there are features: beyond the border goes on what is at the border.
Variable held_within(const Variable& places);

/// Where every second position of every second row is read from, in steps of two positions: places (N,h,w,2) held
/// within as (N,h/2,w/2,2) i32, which is the grid of attention and of GeneratorOutput's offsets.
Tensor matches_of(const Variable& places);

}  // namespace lacuna
