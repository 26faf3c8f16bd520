#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nets/generator.h"
#include "train/checkpoint.h"

namespace lacuna {

/// A model out of another program's file.
struct Imported {
  Generator generator;
  std::map<std::string, std::string> metadata;  ///< for save_model
  std::vector<std::string> left_out;            ///< names of what the file holds besides
  /// The state of the training, if it was asked for.
  std::optional<Checkpoint> training;
};

/// Reads the generator of a checkpoint of the paper's released TensorFlow code (see read_bundle_index), whose names are
/// Lacuna's: inpaint_net/conv1/kernel. cnum and whether there is a second stage follow from the shapes and names.
///
/// With `with_training` the critics and Adam's state, too, which must all be there, become a checkpoint to go on from.
/// Since Lacuna trains on RGB, its networks' colours are turned (see swap_red_and_blue) if `channel_order` is "bgr";
/// the configuration within is the paper's recipe for these networks, without pictures.
///
/// Throws Error "[tensorflow] FILE: reason": a name that is missing or unknown in the networks, another shape, ...
Imported import_tensorflow(const std::string& prefix, const std::string& channel_order = "bgr",
                           bool with_training = false);

/// Reads the generator of a PyTorch state dict (see read_torch_file) that names its layers as the public ports of the
/// network do: coarse_generator.conv1.conv.weight, fine_generator.pmconv1.conv.bias, ... Kernels come as (O,I,H,W).
/// Throws Error "[pytorch] FILE: reason".
Imported import_pytorch(const std::filesystem::path& file, const std::string& channel_order = "rgb");

/// Makes networks of BGR pictures those of RGB pictures or back, without changing what they compute: exchanges the
/// first and the third channel in all parameters, and optimiser states of parameters, that work on colours. Tensors
/// that are changed are copied first.
void swap_red_and_blue(std::vector<std::pair<std::string, Tensor>>& tensors);

/// Makes a folder that `lacuna train --resume` goes on with. It must be new or empty; it is there complete or not at
/// all.
void write_run(const std::filesystem::path& folder, const Checkpoint& checkpoint);

}  // namespace lacuna
