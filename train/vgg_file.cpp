#include "train/vgg_file.h"

#include "tensor/safetensors.h"
#include "train/torch_file.h"

namespace lacuna {

Vgg16 load_vgg16(const std::filesystem::path& path, DType dtype) {
  const auto tensors = is_torch_file(path) ? read_torch_file(path) : read_safetensors(path).tensors;
  try {
    return Vgg16(tensors, dtype);
  } catch (const Error& error) {
    fail("[vgg16] ", path.string(), ": ", std::string_view(error.what()).substr(sizeof("[vgg16]")));
  }
}

}  // namespace lacuna
