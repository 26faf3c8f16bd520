#pragma once

#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>

#include "tensor/image.h"
#include "tensor/tensor.h"

namespace lacuna {

/// The picture's path below the folder it was listed from; its file name if `source` is no folder.
std::filesystem::path path_below(const std::filesystem::path& picture, const std::filesystem::path& source);

/// Which mask (or other file, as `kind` says in errors) belongs to which picture: the one file for all, or, in a
/// folder, the one with the same path below it but for the extension. The folder is listed once.
class MaskFiles {
 public:
  /// Throws Error if there is no such file or folder, or if two files in it have one name.
  explicit MaskFiles(const std::filesystem::path& source, std::string kind = "mask");

  /// The file for the picture of that path below its own folder; throws Error if there is none.
  const std::filesystem::path& of(const std::filesystem::path& picture) const;

 private:
  std::filesystem::path source_;
  std::string kind_;
  std::map<std::string, std::filesystem::path> by_name_;  // empty: source_ is the one mask
};

/// The mask (1,H,W,1) at the picture's size; a warning that names its file tells if it had to be resized.
Tensor fit_mask(const Tensor& mask, const Image& picture, const std::filesystem::path& file);
/// The mask in a file, see mask_of. Where transparency says what is a hole, a line tells, once.
Tensor read_mask(const std::filesystem::path& file, bool invert);
/// The same at the picture's size, see fit_mask.
Tensor read_mask(const std::filesystem::path& file, const Image& picture, bool invert);

/// Throws Error unless a file of that name could be written as far as can be told before the work is done: its folder
/// exists and it is not itself a folder.
void check_can_write(const std::filesystem::path& file);
/// The same for a picture, which must be a .png, .jpg or .jpeg.
void check_can_write_picture(const std::filesystem::path& file);

/// Throws Error "WHO OUTPUT would replace ..." if writing `output` would destroy an input, links and other spellings
/// included.
void check_spares(const std::string& who, const std::filesystem::path& output,
                  std::initializer_list<std::filesystem::path> inputs);

/// Throws Error "WHO: ..." if the folder `results` is `input`, a folder or file that is read, or lies in it: results
/// would replace inputs, or be taken for inputs the next time.
void check_apart(const std::string& who, const std::filesystem::path& results, const std::filesystem::path& input);

bool is_jpeg(const std::filesystem::path& file);

}  // namespace lacuna
