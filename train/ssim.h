#pragma once

#include "autograd/variable.h"

namespace lacuna {

/// Luma (ITU-R BT.601) of pictures (N,H,W,3) in [-1,1], as values (N,H,W,1) in [0,1].
Variable luma(const Variable& pictures);

/// Pixels on either side of its own that a value of ssim_map depends on.
inline constexpr int64_t ssim_reach = 5;

/// The map of SSIM (N,H,W,1) between grey pictures (N,H,W,1) of values in [0,1]:
///   (2 ma mb + C1) (2 cov + C2) / ((ma^2 + mb^2 + C1) (va + vb + C2))
/// with the means, variances and covariance under a Gaussian window of 11 x 11, sigma 1.5, mirrored at the border;
/// C1 = 0.01^2, C2 = 0.03^2 (Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to
/// Structural Similarity", 2004). In [-1,1].
Variable ssim_map(const Variable& a, const Variable& b);

}  // namespace lacuna
