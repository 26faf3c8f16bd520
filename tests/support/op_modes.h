#pragma once

#include "ops/cases.h"

namespace lacuna::test {

/// Runs every case of a family in all the modes that need nothing but the case itself: gradcheck, gradgradcheck,
/// NaN-poisoned and fenced memory, 1 and 4 threads bit for bit, and f32 against f64; where there is a CUDA device, all
/// of it there too, against the CPU.
void run_modes(const OpCases& cases);

}  // namespace lacuna::test
