#pragma once

#include "bench/peak.h"

namespace lacuna::bench {

/// What a CUDA device can do at most, measured by its own instructions on registers: `f32` by fused multiply-adds,
/// `bf16_tiles` on its tensor units, by mma.sync or, on Hopper, by wgmma (0 before compute capability 8.0); `copy` by
/// copies within its memory.
Peak measure_device_peak(Device device, double seconds, const Effort& effort);

}  // namespace lacuna::bench
