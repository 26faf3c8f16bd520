#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nets/generator.h"

namespace lacuna {

/// What a model file holds: the generator's parameters under the released checkpoint's names and, as metadata,
///   format = "lacuna-model", cnum, padding (same, reflect, symmetric), one_stage (true, false),
///   attention (contextual, none), channel_order (rgb, bgr),
/// and free text: description, trained_on, step, trained_picture and trained_hole (sides in pixels), ...
struct Model {
  Generator generator;
  std::string channel_order;  ///< of the pictures that the generator takes and returns: "rgb" or "bgr"
  std::map<std::string, std::string> metadata;
};

/// The types that a model's numbers are stored as.
enum class Storage : uint8_t { f32, f64, bf16, f16 };
/// Their names: "f32", ...
const std::vector<std::pair<const char*, Storage>>& storages();

/// Whether the file is a training checkpoint, not a model. Throws Error if it is no safetensors file.
bool is_checkpoint(const std::filesystem::path& path);

/// Reads a model; its parameters become f32 whatever they are stored as. Throws Error "[model] FILE: reason".
Model load_model(const std::filesystem::path& path);
/// The model with its parameters on that device.
Model moved(Model model, Device device);

/// Writes a model, atomically, with the parameters rounded to `storage` (f16 is IEEE's half
/// precision, "F16" in the file: half of f32's bytes and eleven bits of precision to bf16's eight). `metadata` is the
/// free text; it may set channel_order, which is "rgb" otherwise. The keys that follow from the generator are filled
/// in.
void save_model(const std::filesystem::path& path, const Generator& generator,
                std::map<std::string, std::string> metadata, Storage storage = Storage::f32);

}  // namespace lacuna
