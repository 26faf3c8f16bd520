#pragma once

#include <cstdint>

namespace lacuna {

/// The instruction sets that kernels are built for, each including those before it.
/// avx512_bf16: AVX-512 with products of bf16 pairs. amx: tiles of bf16 besides.
enum class CpuLevel : uint8_t { portable, avx2, avx512, avx512_bf16, amx };

/// The level's name as LACUNA_CPU spells it.
const char* name_of(CpuLevel level);

/// The best level that this CPU (and its operating system) runs, capped by the environment variable LACUNA_CPU.
/// Throws Error where that names no level, or one that this CPU lacks.
CpuLevel cpu_level();

}  // namespace lacuna
