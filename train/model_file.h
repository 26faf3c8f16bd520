#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "nets/generator.h"

namespace lacuna {

/// What a model file holds: the generator's parameters under the released checkpoint's names and, as metadata,
///   format = "lacuna-model", cnum, padding (same, reflect, symmetric), one_stage (true, false),
///   attention (contextual, none), channel_order (rgb, bgr),
/// and free text: description, trained_on, step, ...
struct Model {
  Generator generator;
  std::string channel_order;  ///< of the pictures that the generator takes and returns: "rgb" or "bgr"
  std::map<std::string, std::string> metadata;
};

/// Reads a model; its parameters become f32 whatever they are stored as. Throws Error "[model] FILE: reason".
Model load_model(const std::filesystem::path& path);

/// Writes a model, atomically, with the parameters rounded to `storage` (f32, f64 or bf16). `metadata` is the free
/// text; it may set channel_order, which is "rgb" otherwise. The keys that follow from the generator are filled in.
void save_model(const std::filesystem::path& path, const Generator& generator,
                std::map<std::string, std::string> metadata, DType storage = DType::f32);

}  // namespace lacuna
