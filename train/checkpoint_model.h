#pragma once

#include <filesystem>

#include "train/model_file.h"

namespace lacuna {

/// The generator of a model file, or of a training checkpoint: there the averaged parameters if an average was kept,
/// unless `raw`. Its parameters become f32 whatever they are stored as. Throws Error that names the file.
Model load_model_or_checkpoint(const std::filesystem::path& path, bool raw = false);

}  // namespace lacuna
