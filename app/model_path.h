#pragma once

#include <filesystem>
#include <string>

namespace lacuna {

/// `given` if it names a file; else the first that exists of $LACUNA_MODEL, models/lacuna.safetensors in a folder above
/// the program (the source tree it was built in) and share/lacuna/models/lacuna.safetensors beside the program's
/// folder. Throws Error, listing where it looked, if there is none.
std::filesystem::path model_path(const std::string& given);

}  // namespace lacuna
