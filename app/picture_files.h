#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tensor/image.h"
#include "tensor/tensor.h"

namespace lacuna {

/// The picture's path below the folder it was listed from; its file name if `source` is no folder.
std::filesystem::path path_below(const std::filesystem::path& picture, const std::filesystem::path& source);

/// Which mask belongs to which picture: the one mask for all, or, in a folder, the one with the same path below it but
/// for the extension.
class MaskFiles {
 public:
  /// Throws Error if there is no such file or folder, or if two masks have one name.
  explicit MaskFiles(const std::filesystem::path& source);

  /// The mask for the picture of that path below its own folder; throws Error if there is none.
  const std::filesystem::path& of(const std::filesystem::path& picture) const;

 private:
  std::filesystem::path source_;
  std::map<std::string, std::filesystem::path> by_name_;  // empty: source_ is the one mask
};

/// The mask (1,H,W,1) in a file at the picture's size, see mask_of; a warning tells if it had to be resized.
Tensor read_mask(const std::filesystem::path& file, const Image& picture, bool invert);

/// Throws Error unless a file of that name could be written as far as can be told before the work is done: its folder
/// exists and it is not itself a folder.
void check_can_write(const std::filesystem::path& file);
/// The same for a picture, which must be a .png, .jpg or .jpeg.
void check_can_write_picture(const std::filesystem::path& file);

bool is_jpeg(const std::filesystem::path& file);

}  // namespace lacuna
