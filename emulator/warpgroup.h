#pragma once

#include <cstdint>

/// Hopper's matrix products of a warpgroup, as the PTX ISA describes them.
namespace lacuna::emulator {

/// wgmma.mma_async for this thread: its elements of c (64 x columns) += A (64 x 16) B (16 x columns) in bf16, of
/// operands that the matrix descriptors find in shared memory. Done when it is waited for; an operand that is
/// overwritten before is an error.
void warpgroup_multiply(float* c, int columns, uint64_t a, bool a_transposed, uint64_t b, bool b_transposed);
void warpgroup_wait();

}  // namespace lacuna::emulator
