#pragma once

#include "tensor/tensor.h"

namespace lacuna {

/// `generated` (1,H,W,C) f32, changed where mask (1,H,W,1) is 1 so that it meets `picture` (1,H,W,C) at the hole's
/// edge: what the picture differs by in the known pixels beside the hole is continued into the hole as a membrane (the
/// harmonic function with these border values, found approximately) and added. It is the seamless cloning of Perez,
/// Gangnet and Blake, "Poisson Image Editing", 2003. What the picture is compared with is the generated hole continued
/// over its edge: of known pixels a network returns something near what it was given, and the step is at the edge. The
/// result is clamped to [-1,1]; where mask is 0 it has the picture's values.
Tensor blend_seam(const Tensor& generated, const Tensor& picture, const Tensor& mask);

}  // namespace lacuna
