#pragma once

#include <functional>

#include "train/hole_parts.h"
#include "train/inpaint.h"

namespace lacuna {

struct FillOptions {
  Strategy strategy = Strategy::automatic;
  bool texture = true;  ///< whether fills get the fine texture that the network leaves out
  bool coarse = false;  ///< whether FilledHoles::coarse is wanted
  /// Called before the network sees a picture of height x width, for how it is to deal with memory; it may throw.
  /// `beside` are the bytes that are then taken when the network has done.
  std::function<MemoryOptions(int64_t height, int64_t width, int64_t beside)> memory = {};
};

/// A part of the picture as the network saw it, and where the attention looked.
struct PartLook {
  HolePart part;
  int64_t height = 0, width = 0;  ///< of the network's input
  Tensor mask;                    ///< (1,crop,1): the pixels that it filled
  Tensor offsets;                 ///< see GeneratorOutput; undefined without attention
};

struct FilledHoles {
  Image filled;
  Image coarse;  ///< the coarse network's fill, if wanted
  std::vector<PartLook> looks;
};

/// Fills a picture of any size where mask (1,H,W,1) is 1, part by part (see hole_parts), each blended at its edge (see
/// blend_seam) and given fine texture from elsewhere (see add_texture). A part sees the fills of those before it that
/// it touches; other holes are holes to it, so results do not depend on their order. What stays of the picture, and
/// errors, as inpaint says.
FilledHoles fill_holes(const Model& model, const Image& picture, const Tensor& mask, const FillOptions& options = {});

}  // namespace lacuna
