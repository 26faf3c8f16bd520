#!/usr/bin/env bash
# Installs the Debian packages that the build and the tests need, and those named as arguments, where they are missing. Silent when
# all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "[setup] $*" >&2
  exit 1
}

# Programs may come from anywhere, as long as they are found; libraries come from packages.
programs=(g++:g++ cmake:cmake ninja:ninja-build make:make)
libraries=(doctest-dev libboost-context-dev libcli11-dev libeigen3-dev libjpeg-dev libopenmpi-dev libpng-dev libspdlog-dev libstb-dev
  libtomlplusplus-dev libzip-dev nlohmann-json3-dev openmpi-bin)
libraries+=("$@")
formatter=clang-format-14 # for the format test alone, which is skipped where there is none
oldest_cmake=3.25

check_cmake() {
  local version
  version=$(cmake --version | sed -n 's/^cmake version //p')
  if [[ $(printf '%s\n' "$oldest_cmake" "$version" | sort -V | head -n 1) != "$oldest_cmake" ]]; then
    fail "cmake $version is too old: $oldest_cmake or newer is needed, which Debian 12 and Ubuntu 24.04 have"
  fi
}

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

if command -v cmake >/dev/null; then check_cmake; fi

missing=()
for entry in "${programs[@]}"; do
  command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
done
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  missing+=("${libraries[@]}")
  fail "apt-get is missing, and this script knows only Debian and Ubuntu; install ${missing[*]} in your system's way," \
    "then run: cmake --preset release && cmake --build --preset release && ctest --preset release"
fi
for package in "${libraries[@]}"; do
  installed "$package" || missing+=("$package")
done
wants_formatter=true
if scripts/format.sh --find >/dev/null 2>&1; then wants_formatter=false; fi
if ((${#missing[@]} == 0)) && ! $wants_formatter; then exit 0; fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null || { ! [[ -t 0 ]] && ! sudo -n true 2>/dev/null; }; then
    ((${#missing[@]})) || exit 0
    fail "root is needed to install packages; run as root: apt-get install -y ${missing[*]}"
  fi
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o DPkg::Lock::Timeout=120 \
    -o Acquire::Retries=2 "$@" >"$log" 2>&1
}
install() { apt install --no-install-recommends "$@"; }
reason() { grep -m 1 '^E: ' "$log" || tail -n 1 "$log"; }
known() { apt-cache show "$1" 2>/dev/null | grep -q '^Package:'; }

if ((${#missing[@]})); then
  echo "[setup] installing ${missing[*]}"
  # Package lists are fetched only if the ones at hand do not do.
  if ! install "${missing[@]}"; then
    # An unreachable server is but a warning of apt-get update: the second install tells whether it mattered.
    apt update || fail "cannot fetch the package lists (is the network there?): $(reason)"
    unreachable=$(grep -m 1 '^W: Failed to fetch' "$log" || true)
    install "${missing[@]}" || fail "cannot install ${missing[*]}: ${unreachable:-$(reason)}"
  fi
  check_cmake
fi

if $wants_formatter; then
  if ! known "$formatter" && [[ -z $(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null) ]]; then
    apt update || true
  fi
  if known "$formatter"; then
    echo "[setup] installing $formatter"
    install "$formatter" || echo "[setup] without $formatter the format test is skipped: $(reason)" >&2
  fi
fi
