#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/stream.h"
#include "train/evaluation.h"
#include "train/hole_parts.h"
#include "train/masks.h"

namespace lacuna {

/// Of the worst and of the best fills, in a report.
inline constexpr size_t usual_report_pictures = 6;

struct EvalArguments {
  std::string images;
  std::vector<std::string> models, baselines, filled;  // what fills the holes; none: the shipped model
  std::string masks, holes = "box:128x128";            // what holes there are
  std::string json, report, run, save, save_masks, device = "auto";
  Strategy strategy = Strategy::automatic;
  std::optional<Precision> precision;
  uint64_t seed = 0;
  std::optional<size_t> report_pictures;
  bool per_image = false, invert = false, markdown = false, texture = true;
};

/// "box:128x128", "box:128", "boxes:3", "strokes:3"; the part after the colon may be left out.
MaskOptions parse_holes(const std::string& spec);

/// Hole number `index` of a seed for a picture; those of kind boxes and strokes go with the picture's size.
Tensor random_hole(MaskOptions options, const Image& image, uint64_t seed, uint64_t index);

struct EvalMethods {
  std::vector<FillMethod> methods;
  std::vector<std::filesystem::path> folders;              ///< that they read
  std::vector<std::pair<std::string, std::string>> facts;  ///< name of each, what it is
};

/// The methods that the arguments name, in the order models, baselines, filled pictures. Throws Error if two would have
/// one name.
EvalMethods eval_methods(const EvalArguments& arguments);

/// The command that these arguments came from, for a shell.
std::string eval_command(const EvalArguments& arguments);

}  // namespace lacuna
