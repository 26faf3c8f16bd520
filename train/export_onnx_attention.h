#pragma once

#include "train/onnx.h"

namespace lacuna {

/// Adds contextual attention of x with itself, x (n,channels,height,width) with even height and width. `hole`
/// (n,1,hole_height,hole_width) is 1 in the hole, else 0, of any resolution.
struct OnnxAttention {
  int64_t n, channels, height, width, hole_height, hole_width;

  OnnxGraph::Value add_to(OnnxGraph& graph, const OnnxGraph::Value& x, const OnnxGraph::Value& hole) const;
};

}  // namespace lacuna
