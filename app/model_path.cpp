#include "app/model_path.h"

#include <cstdlib>
#include <vector>

#include "tensor/check.h"

namespace lacuna {

namespace fs = std::filesystem;

fs::path model_path(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* named = std::getenv("LACUNA_MODEL"); named && *named) return named;
  constexpr const char* file = "models/lacuna.safetensors";
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  std::vector<fs::path> places;
  for (fs::path folder = program; folder.has_relative_path(); folder = folder.parent_path()) {
    places.push_back(folder / file);
  }
  places.push_back(program.parent_path() / "share/lacuna" / file);
  std::string looked;
  for (const fs::path& place : places) {
    if (fs::is_regular_file(place, ignored)) return place;
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  fail("[model] no model is named and none is installed; name one by --model or LACUNA_MODEL (looked for ", looked,
       ")");
}

}  // namespace lacuna
