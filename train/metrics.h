#pragma once

#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"

namespace lacuna {

/// How close a completed picture a comes to the truth b, by name; formulas and units in docs/evaluation.md. Both are
/// (1,H,W,3) in [-1,1] and taken as values in [0,1] here; mask (1,H,W,1), 1 in the hole.
///   l1, l2                      mean |a-b| and mean (a-b)^2, % of the value range (its square)
///   l1_relative, l2_relative    sum |a-b| / sum |b| and sum (a-b)^2 / sum b^2, %
///   psnr                        10 log10(1 / mean (a-b)^2), dB; 120 at most
///   ssim                        mean structural similarity of the grey pictures (ssim_map), in [-1,1]
///   tv                          mean |horizontal differences| + mean |vertical differences| of a, %
/// Each over the whole picture and, as hole_..., over the hole alone; the latter are left out where there is no hole.
std::vector<std::pair<std::string, double>> metrics_of(const Variable& truth, const Variable& completed,
                                                       const Variable& mask);

}  // namespace lacuna
