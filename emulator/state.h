#pragma once

#include <functional>

#include "emulator/cuda_runtime.h"

namespace lacuna::emulator {

/// Runs body as every thread of a grid and returns when all are done. Throws what a thread threw, or std::runtime_error
/// where the threads wait for each other at different barriers.
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& body);

/// Keeps work of the running thread until run_deferred(), which the thread has to call before it ends.
void defer(std::function<void()> work);
void run_deferred();

}  // namespace lacuna::emulator
