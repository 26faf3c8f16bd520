#pragma once

#include <filesystem>

#include "nets/vgg.h"

namespace lacuna {

/// VGG16 from torchvision's state dict, as torch.save wrote it (vgg16-397923af.pth) or as safetensors. Throws Error
/// that names the file.
Vgg16 load_vgg16(const std::filesystem::path& path, DType dtype = DType::f32);

}  // namespace lacuna
