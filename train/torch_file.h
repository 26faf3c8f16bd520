#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace lacuna {

/// Whether the file begins as torch.save's files do, in either format.
bool is_torch_file(const std::filesystem::path& path);

/// The tensors of a file written by PyTorch's torch.save, in its order: a state dict, or dictionaries of them, whose
/// keys are then joined by dots ("netG.conv1.weight"). Float and Double come as they are, BFloat16 as bf16, Half as f32
/// (exact), all contiguous; tensors of other types are undefined Tensors, and what is no tensor is left out.
///
/// Both formats are read: the zip archive (since PyTorch 1.6) and the older sequence of pickles. Nothing in the file is
/// executed: see Pickle. Whole modules, TorchScript, big-endian and compressed archives are refused. Throws Error
/// "[pytorch] FILE: reason".
std::vector<std::pair<std::string, Tensor>> read_torch_file(const std::filesystem::path& path);

}  // namespace lacuna
