#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

/// The content of a safetensors file (https://github.com/huggingface/safetensors, "Format"): named tensors in the order
/// of their data, and free text under free keys.
struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;

  bool has(std::string_view name) const;
  /// The tensor of that name; throws Error with the names there are if there is none.
  const Tensor& at(std::string_view name) const;
};

/// Reads a whole file. F32, F64, BF16, I32 and U8 come as they are; F16 is widened to f32 (exact); I64 becomes i32, and
/// a value out of its range is an error; other types are refused. The file must be sound in every respect: the header
/// is valid JSON within the file without repeated keys, every tensor's bytes are its shape times its type, and the data
/// has neither holes nor overlaps nor an unused rest. Throws Error "[safetensors] FILE: reason".
Safetensors read_safetensors(const std::filesystem::path& path);

/// What the header of a safetensors file tells, tensors in the order of their data.
struct SafetensorsHeader {
  struct Entry {
    std::string name;
    std::string type;  ///< as on file: "F16"
    Shape shape;
    int64_t bytes = 0;
  };
  std::map<std::string, std::string> metadata;
  std::vector<Entry> tensors;
};

/// Reads the header alone, however large the file is, and holds it to the same rules as read_safetensors.
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

/// Writes the tensors in their order, atomically (see write_file_atomically). Throws Error on repeated or reserved
/// names, undefined tensors and names that are not UTF-8.
void write_safetensors(const std::filesystem::path& path, const Safetensors& content);

/// The same with f32 tensors written as F16, each number as the nearest one of binary16. Throws Error, too, for a
/// finite number beyond its range.
void write_safetensors_half(const std::filesystem::path& path, const Safetensors& content);

}  // namespace lacuna
