#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lacuna {

/// All bytes of a file. Throws Error "[who] PATH: reason" if it is missing, a folder or unreadable.
std::string read_file(const std::filesystem::path& path, std::string_view who = "file");

/// "photo.JPG" -> ".jpg": in ASCII's small letters.
std::string lower_extension(const std::filesystem::path& path);

/// Writes the parts one after another to a temporary file in the same folder, syncs it and renames it to `path`:
/// whatever happens, `path` holds either its old content or all of the new. An existing file keeps its permissions, a
/// symbolic link its place; a device or pipe is written to directly. On failure (full disk, missing folder, ...) the
/// temporary file is removed and Error "[who] PATH: cannot write: reason" thrown.
void write_file_atomically(const std::filesystem::path& path, const std::vector<std::string_view>& parts,
                           std::string_view who = "file");
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes, std::string_view who = "file");

}  // namespace lacuna
