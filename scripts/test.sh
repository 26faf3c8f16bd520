#!/usr/bin/env bash
# Builds everything and runs all tests: those of the CUDA kernels on the emulated device, too. Where there is a CUDA compiler, it
# compiles the device code for all devices; where there is a device as well, the kernels' tests run on it, else that is said.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release
cmake --build --preset release

cmake --preset emulated
cmake --build --preset emulated
ctest --preset emulated -j "$(nproc)"

if command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]]; then
  cmake --preset cuda
  if nvidia-smi >/dev/null 2>&1; then
    cmake --build --preset cuda-tests
    ctest --preset cuda-tests
  else
    cmake --build --preset cuda
    ctest --preset cuda
    echo "[test] SKIPPED: there is no CUDA device; the kernels' tests ran on the emulated one alone" >&2
  fi
else
  echo "[test] SKIPPED: there is no nvcc, so that the device code was not compiled for devices" >&2
fi

ctest --preset release -j "$(nproc)"
