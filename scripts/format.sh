#!/usr/bin/env bash
# Formats every source file; with --check only says which are not formatted. Other versions of clang-format break lines
# at other places, so that version 14 it must be (Debian 12 has it). With --find
# prints which program that is. Exits with 77 if there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

find_formatter() {
  local program
  for program in clang-format-14 clang-format; do
    if "$program" --version 2>/dev/null | grep -q 'version 14\.'; then
      echo "$program"
      return
    fi
  done
  return 1
}

if ! formatter=$(find_formatter); then
  echo "[format] SKIPPED: there is no clang-format 14" >&2
  exit 77
fi
mode=(-i)
case ${1:-} in
  --find) echo "$formatter"; exit ;;
  --check) mode=(--dry-run -Werror) ;;
esac
find . \( -path './.*' -o -path ./build \) -prune -o -type f \
  \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.inc' \) -print0 |
  xargs -0 -r "$formatter" "${mode[@]}"
