#!/usr/bin/env bash
# gpu_deps.sh [FOLDER]: copies the headers and libraries that the build needs from this machine's Debian packages into FOLDER
# (default: build/deps), so that bench/gpu_check.sh can build on a machine without them and without a network: carry the folder there
# and set LACUNA_DEPS to it. Both must have the same processor architecture, and that machine a C library no older than this one's.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build/deps}
packages=(doctest-dev libcli11-dev libeigen3-dev libfmt-dev libjpeg62-turbo-dev libpng-dev libspdlog-dev libstb-dev
  libtomlplusplus-dev libzip-dev nlohmann-json3-dev zlib1g-dev)
multiarch=$(g++ -dumpmachine)
multiarch=${multiarch/-pc-/-}

rm -rf "$folder"
mkdir -p "$folder/usr/lib/$multiarch"
for package in "${packages[@]}"; do
  dpkg-query -L "$package" | grep -E '^/usr/(include|lib|share/(cmake|eigen3))/' | while read -r file; do
    if [[ -d $file ]]; then continue; fi
    mkdir -p "$folder$(dirname "$file")"
    cp -L "$file" "$folder$file"
    # Also by the full name, which CMake's files have.
    full=$folder$(dirname "$file")/$(basename "$(readlink -f "$file")")
    [[ $file != *.so || -e $full ]] || cp -L "$file" "$full"
  done
done
# A compiler that knows no such folders finds these headers, too.
if [[ -d $folder/usr/include/$multiarch ]]; then cp -r "$folder/usr/include/$multiarch/." "$folder/usr/include/"; fi

# By the names that programs load them by.
for library in "$folder/usr/lib/$multiarch"/*.so; do
  name=$(objdump -p "$library" | awk '$1 == "SONAME" {print $2}')
  [[ -z $name || -e $folder/usr/lib/$multiarch/$name ]] || cp "$library" "$folder/usr/lib/$multiarch/$name"
done
# What the libraries load in turn, but for the compiler's and the system's own.
find "$folder/usr/lib" -name '*.so*' -print0 | xargs -0 ldd 2>/dev/null | awk '$3 ~ /^\// {print $3}' | sort -u |
  grep -vE '/(libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|ld-linux[^/]*)\.so' | while read -r library; do
    cp -L "$library" "$folder/usr/lib/$multiarch/$(basename "$library")"
  done
du -sh "$folder" | sed 's/^/[deps] /'
