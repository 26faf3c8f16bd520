#pragma once

#include "tensor/cuda.h"

/// Copies from global to shared memory that go on beside other work, for compute capability 8.0 and above; below that
/// they stop the program. PTX ISA, "cp.async".
namespace lacuna::copy_async {

#ifdef LACUNA_CUDA_EMULATED

inline void start(void* to, const void* from, bool valid) { emulator::copy_async(to, from, 16, valid ? 16 : 0); }
inline void commit() { emulator::copy_async_commit(); }
template <int groups_left>
void wait() {
  emulator::copy_async_wait(groups_left);
}

#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

/// Begins to copy 16 bytes, or zeros if not valid.
__device__ inline void start(void* to, const void* from, bool valid) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(valid ? 16 : 0)
               : "memory");
}

/// Makes those begun since the last call a group.
__device__ inline void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Until all of this thread's groups but the latest `groups_left` have arrived.
template <int groups_left>
__device__ void wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(groups_left) : "memory");
}

#else

__device__ inline void start(void*, const void*, bool) { __trap(); }
__device__ inline void commit() { __trap(); }
template <int groups_left>
__device__ void wait() {
  __trap();
}

#endif

}  // namespace lacuna::copy_async
