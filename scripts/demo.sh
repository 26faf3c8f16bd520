#!/usr/bin/env bash
# Fills holes in a photograph with the shipped model. PHOTO, MASK (white where the holes are) and OUTPUT may be set to files of
# your own; without PHOTO it takes one from the Debian package mate-backgrounds.
set -euo pipefail
cd "$(dirname "$0")/.."

package=mate-backgrounds
packaged=/usr/share/backgrounds/mate/nature/Storm.jpg
photo=${PHOTO:-$packaged}
mask=${MASK:-demo/mask.png}
output=${OUTPUT:-build/demo/filled.png}

if [[ $photo == "$packaged" && ! -f $photo ]]; then
  scripts/setup.sh "$package"
fi
for file in "$photo" "$mask"; do
  [[ -f $file ]] || { echo "[demo] there is no file $file; set PHOTO and MASK to files that exist" >&2; exit 1; }
done
mkdir -p "$(dirname "$output")"
build/release/lacuna fill --image "$photo" --mask "$mask" --max-side 512 --output "$output" \
  --save-steps "${output%.*}_steps.png"
echo "[demo] the photograph: $photo"
echo "[demo] its holes filled: $output"
echo "[demo] with holes, coarse result, final result side by side: ${output%.*}_steps.png"
