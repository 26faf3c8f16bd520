#pragma once

#include "ops/activation/activation.h"
#include "ops/conv2d/conv2d.h"

namespace lacuna {

/// Whether an activation's output tells its derivative, as activation_vjp needs: clipped outputs do not tell the ends
/// of the interval from what lies beyond.
inline bool output_tells(const Activation& activation) { return activation.kind != Activation::Kind::clip; }

/// The cotangents of an activation's input and, where `summed`, of a bias added before, from that of its output and the
/// output y itself.
Summed activation_vjp(const Variable& g, const Variable& y, const Activation& activation, bool summed);

}  // namespace lacuna
