#pragma once

#include <cstdint>

#include "tensor/image.h"

namespace lacuna {

struct PatchMatchOptions {
  int64_t patch = 9;  ///< side of the patches, odd
  int rounds = 96;    ///< of search and vote at the coarsest size; each finer one takes half as many, but at least one
  int sweeps = 3;     ///< of propagation and random search in a round
  uint64_t seed = 0;  ///< of the search
};

/// Fills the hole, mask (1,H,W,1), by patches of the known part, without any training: coarse to fine, each hole pixel
/// becomes the weighted mean of what the patches over it would have there, given the known patches most like them
/// (Wexler, Shechtman and Irani, "Space-Time Completion of Video", 2007). These are found by propagation and random
/// search (Barnes, Shechtman, Finkelstein and Goldman, "PatchMatch: A Randomized Correspondence Algorithm for
/// Structural Image Editing", 2009). Outside the hole the result has the picture's very samples. It is a function of
/// the arguments alone. Throws Error if the mask has another size, if nothing is known, and for options out of range.
Image fill_by_patchmatch(const Image& picture, const Tensor& mask, const PatchMatchOptions& options = {});

}  // namespace lacuna
