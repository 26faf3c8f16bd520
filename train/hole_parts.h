#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/masks.h"

namespace lacuna {

/// How a picture's holes are given to the network.
enum class Strategy : uint8_t {
  automatic,  ///< original for small pictures whose holes are no larger than in training, else as resize
  original,   ///< the whole picture at its full size
  crop,       ///< each hole with its surroundings, at full size
  resize,     ///< as crop, but the surroundings of a hole larger than in training are reduced first
};
/// Their names: "auto", ...
const std::map<std::string, Strategy>& strategies();

/// What a model was trained with: sides in pixels.
struct TrainedSize {
  int64_t picture = 256, hole = 128;
};
/// From a model's metadata "trained_picture" and "trained_hole", the paper's sizes where they are missing.
TrainedSize trained_size(const std::map<std::string, std::string>& metadata);

/// A part of the work: the hole's pixels in a box, and what of the picture the network is to see for them.
struct HolePart {
  Box hole;
  Box crop;
  double reduction = 1;   ///< how many times smaller than the crop the network's input is, along a side
  int64_t thickness = 0;  ///< the side of the largest square of hole pixels, and about which pixel it lies
  int64_t widest_row = 0, widest_column = 0;
};

/// The parts that fill mask (1,H,W,1), from top to bottom. Holes close to each other are one; a hole that is long and
/// thin is cut into several parts, each of which has the parts before it to continue. A hole pixel belongs to the first
/// part whose box holds it; none is left over.
std::vector<HolePart> hole_parts(const Tensor& mask, Strategy strategy, const TrainedSize& trained);

/// What to tell the user of holes beyond what the model can do, with what to do about it; empty if there are none.
std::string hole_warning(const std::vector<HolePart>& parts, const TrainedSize& trained);

}  // namespace lacuna
