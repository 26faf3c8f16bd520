#pragma once

#include <optional>
#include <string>

#include "tensor/tensor.h"

namespace lacuna {

/// Whether a name of a PyTorch state dict is one of the generator's two stages.
bool is_generator_name(const std::string& name);

/// Our name of a generator's parameter that a PyTorch port names so; nothing if no layer of ours is named like that.
///
/// Known are the names of github.com/daa233/generative-inpainting-pytorch and what was made from it: the stage,
/// coarse_generator or fine_generator, with anything before it; the layer, "conv1" standing for xconv1 in the fine one,
/// and the upsampling ones with or without "_upsample" and "_conv" behind; "conv" or nothing; weight or bias.
std::optional<std::string> our_name(const std::string& name);

/// A kernel (O,I,H,W) as (H,W,I,O); throws Error naming `name` if it is no kernel.
Tensor our_kernel(const Tensor& kernel, const std::string& name);

}  // namespace lacuna
