#!/usr/bin/env bash
# Fills the hole of a photograph. PHOTO, MASK (white where the hole is) and OUTPUT may be set to your own files.
set -euo pipefail
cd "$(dirname "$0")/.."

photo=${PHOTO:-demo/photo.png}
mask=${MASK:-demo/mask.png}
output=${OUTPUT:-build/demo/filled.png}
for file in "$photo" "$mask"; do
  [[ -f $file ]] || { echo "[demo] there is no file $file; set PHOTO and MASK" >&2; exit 1; }
done
mkdir -p "$(dirname "$output")"
build/release/lacuna fill --image "$photo" --mask "$mask" --output "$output"
echo "[demo] $photo, filled where $mask is white: $output"
