#!/usr/bin/env bash
# Builds everything, then runs all tests. Where there is a CUDA compiler, the CUDA build is made too.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release
cmake --build --preset release
if { command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]]; } && cmake --list-presets | grep -q '"cuda"'; then
  cmake --preset cuda
  cmake --build build/cuda
fi
ctest --preset release -j "$(nproc)"
