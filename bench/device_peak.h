#pragma once

#include "bench/peak.h"

namespace lacuna::bench {

/// What a CUDA device can do at most, measured by its own instructions on registers: `f32` by fused multiply-adds,
/// `bf16_tiles` by mma.sync (0 before compute capability 8.0); `copy` by copies within its memory. On Hopper
/// instructions for four warps together (wgmma), which nothing here uses, reach about half as much again.
Peak measure_device_peak(Device device, double seconds, const Effort& effort);

}  // namespace lacuna::bench
