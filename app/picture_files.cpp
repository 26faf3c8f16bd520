#include "app/picture_files.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>

#include "tensor/file.h"
#include "train/data.h"
#include "train/masks.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

std::string without_extension(fs::path path) { return path.replace_extension().generic_string(); }

}  // namespace

fs::path path_below(const fs::path& picture, const fs::path& source) {
  return fs::is_directory(source) ? picture.lexically_relative(source) : picture.filename();
}

MaskFiles::MaskFiles(const fs::path& source, std::string kind) : source_(source), kind_(std::move(kind)) {
  check(fs::exists(source), "[", kind_, "] ", source.string(), ": there is no such file or folder");
  if (!fs::is_directory(source)) return;
  for (const fs::path& file : list_pictures({source.string()})) {
    const auto [other, is_new] = by_name_.emplace(without_extension(path_below(file, source)), file);
    check(is_new, "[", kind_, "] ", file.string(), " and ", other->second.string(), " are both the ", kind_,
          " of one picture: remove one");
  }
}

const fs::path& MaskFiles::of(const fs::path& picture) const {
  if (by_name_.empty()) return source_;
  const auto found = by_name_.find(without_extension(picture));
  check(found != by_name_.end(), "[", kind_, "] ", source_.string(), ": there is no ", kind_, " named ",
        without_extension(picture), ", with whatever extension");
  return found->second;
}

Tensor fit_mask(const Tensor& mask, const Image& picture, const fs::path& file) {
  if (mask.dim(1) == picture.height && mask.dim(2) == picture.width) return mask;
  spdlog::warn("the mask {} is {}x{} and is resized to the picture's {}x{}", file.string(), mask.dim(2), mask.dim(1),
               picture.width, picture.height);
  return resize_mask(mask, picture.height, picture.width);
}

Tensor read_mask(const fs::path& file, bool invert) {
  const Image image = read_image(file);
  static std::atomic<bool> told = false;
  const MaskPaint paint = mask_paint(image);
  if (paint != MaskPaint::white && !told.exchange(true)) {
    spdlog::info("the mask {} has transparent parts: the holes are {}, {}; --invert-mask exchanges the two",
                 file.string(), (paint == MaskPaint::transparent) != invert ? "there" : "where it is white",
                 "in other such masks too");
  }
  return mask_of(image, paint, invert);
}

Tensor read_mask(const fs::path& file, const Image& picture, bool invert) {
  return fit_mask(read_mask(file, invert), picture, file);
}

void check_can_write(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::error_code ignored;
  check(fs::is_directory(folder, ignored), "[file] ", file.string(), ": cannot write: there is no folder ",
        folder.string());
  check(!fs::is_directory(file, ignored), "[file] ", file.string(), ": cannot write: it is a folder");
}

void check_can_write_picture(const fs::path& file) {
  check(lower_extension(file) == ".png" || is_jpeg(file), "[image] ", file.string(),
        ": pictures are written as .png, .jpg or .jpeg");
  check_can_write(file);
}

void check_spares(const std::string& who, const fs::path& output, std::initializer_list<fs::path> inputs) {
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    check(!fs::equivalent(input, output, ignored), who, " ", output.string(), " would replace the input ",
          input.string(), "; name another output");
  }
}

void check_apart(const std::string& who, const fs::path& results, const fs::path& input) {
  const auto resolved = [](const fs::path& path) {
    std::error_code ignored;
    const fs::path whole = fs::weakly_canonical(fs::absolute(path, ignored), ignored);
    return whole.has_filename() ? whole : whole.parent_path();
  };
  const fs::path inner = resolved(results), outer = resolved(input);
  check(std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first != outer.end(), who, ": ",
        results.string(), " lies in ", input.string(), ", which is read; name a folder outside of it");
}

bool is_jpeg(const fs::path& file) {
  const std::string extension = lower_extension(file);
  return extension == ".jpg" || extension == ".jpeg";
}

}  // namespace lacuna
