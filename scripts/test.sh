#!/usr/bin/env bash
# Builds everything and runs all tests. Where there is a CUDA compiler, the device code and its tests are built too; without a
# device those tests are reported as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release
cmake --build --preset release

if command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]]; then
  cmake --preset cuda
  cmake --build --preset cuda
  ctest --preset cuda
else
  echo "[test] SKIPPED: there is no nvcc, so that the device code was not compiled" >&2
fi

ctest --preset release -j "$(nproc)"
