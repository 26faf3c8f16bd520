#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/image.h"

namespace lacuna {

/// A file of events as TensorBoard reads it: TFRecord framing (length, masked CRC-32C of the length, data, masked
/// CRC-32C of the data) around protocol-buffers messages of tensorboard/compat/proto/event.proto. Every event is on its
/// way to the disk when the call returns; what a killed program leaves behind can be read up to its last whole event.
class EventFile {
 public:
  /// Creates folder/events.out.tfevents.SECONDS.HOST.PID with a name that sorts behind those of the folder's other
  /// event files, so that a reader takes it for what comes after them. Events of earlier files with `first_step` and
  /// later steps are void from here on: readers drop them. Throws Error if the file cannot be written.
  EventFile(const std::filesystem::path& folder, int64_t first_step);

  /// One number a tag, f32.
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values);
  /// A picture, stored as PNG.
  void image(int64_t step, const std::string& tag, const Image& picture);
  /// A text in Markdown.
  void text(int64_t step, const std::string& tag, const std::string& markdown);

  const std::filesystem::path& path() const { return path_; }

 private:
  /// An event with that field.
  void write(int64_t step, int field, std::string_view content);

  std::filesystem::path path_;
};

}  // namespace lacuna
