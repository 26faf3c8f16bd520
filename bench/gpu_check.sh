#!/usr/bin/env bash
# Builds Lacuna for the CUDA device at hand, tests it, looks for memory errors and races, times it beside PyTorch, and prints one
# table last. Each stage has its time and its log; one that fails does not stop the others.
#
#   --only LIST     of build,test,sanitize,bench (default: all; a build that is missing is made anyway)
#   --minutes N     that all of it may take (default: 9.5)
#   --jobs N        at a time (default: the cores)
#   --logs FOLDER   for logs, results as JSON and the table (default: $OUT, else build/gpu/logs)
#   --emulated      tries this script out without a device: kernels on the emulator, PyTorch on the CPU, tiny sizes
#
# It needs nvcc, CMake and a C++ compiler, compute-sanitizer for its stage, a Python with PyTorch (PYTHON, default python3) for the
# benchmarks, and no network. Where the libraries' headers are missing set LACUNA_DEPS to a folder made by bench/gpu_deps.sh.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

only=build,test,sanitize,bench minutes=9.5 jobs=$(nproc) logs=${OUT:-} emulated=false
fail() { echo "gpu_check: $*" >&2; exit 2; }
while (($#)); do
  case $1 in
    --only) only=${2:?} && shift ;;
    --minutes) minutes=${2:?} && shift ;;
    --jobs) jobs=${2:?} && shift ;;
    --logs) logs=${2:?} && shift ;;
    --emulated) emulated=true ;;
    --help) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' && exit ;;
    *) fail "unknown option '$1'; see --help" ;;
  esac
  shift
done
[[ $only =~ ^((build|test|sanitize|bench)(,|$))+$ ]] || fail "--only takes a list of build, test, sanitize, bench, not '$only'"

build=build/gpu device=cuda patience=1
if $emulated; then build=build/gpu-emulated patience=5; fi
logs=${logs:-$build/logs}
mkdir -p "$logs" "$build/parts"
logs=$(cd "$logs" && pwd)
python=${PYTHON:-python3}
export OMP_WAIT_POLICY=passive
if [[ -n ${LACUNA_DEPS:-} ]]; then
  LACUNA_DEPS=$(cd "$LACUNA_DEPS" && pwd) || fail "there is no folder LACUNA_DEPS"
  export CPLUS_INCLUDE_PATH=$LACUNA_DEPS/usr/include${CPLUS_INCLUDE_PATH:+:$CPLUS_INCLUDE_PATH}
  for folder in "$LACUNA_DEPS"/usr/lib/*-linux-gnu; do export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; done
fi

end=$(awk -v m="$minutes" 'BEGIN {print int(m * 60)}')
left() { echo $((end - SECONDS > 1 ? end - SECONDS : 1)); }
at_most() { local l; l=$(left); echo $(($1 < l ? $1 : l)); }
wants() { [[ ,$only, == *,$1,* ]]; }
rows=()
row() { rows+=("$1|$2|$3") && echo "[$SECONDS s] $1: $2: $3"; }
verdict() { case $1 in 0) echo ok ;; 124 | 137) echo "out of time" ;; *) echo "FAILED ($1)" ;; esac; }

print_table() {
  {
    echo
    [[ -s $build/parts/bench_table.txt ]] && wants bench && cat "$build/parts/bench_table.txt" && echo
    printf '%s\n' "${rows[@]}" | awk -F'|' '{printf "%-9s %-42s %s\n", $1, $2, $3}'
    echo "logs: $logs; ${SECONDS} s in all"
  } | tee "$logs/table.txt"
}
trap print_table EXIT

architecture() {
  nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. '
}

build_all() {
  local limit=$((300 * patience)) configure=(-S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 -DLACUNA_WERROR=OFF -DLACUNA_MPI=OFF)
  if $emulated; then
    configure+=(-DLACUNA_CUDA=emulated)
  else
    local arch
    arch=$(architecture)
    [[ -n $arch ]] || { row build "the device" "nvidia-smi shows none; compiling for sm_90a" && arch=90; }
    if [[ $arch == 90 ]]; then arch=90a; fi # with its own tensor instructions
    configure+=(-DLACUNA_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$arch-real" -DCMAKE_CUDA_FLAGS_RELEASE=-O3)
  fi
  if command -v ninja >/dev/null; then configure+=(-G Ninja); fi
  if [[ -n ${LACUNA_DEPS:-} ]]; then
    configure+=(-DCMAKE_PREFIX_PATH="$LACUNA_DEPS/usr" -DCMAKE_LIBRARY_ARCHITECTURE="$(uname -m)-linux-gnu")
  fi
  {
    timeout "$(at_most 60)" cmake "${configure[@]}" &&
      timeout "$(at_most "$limit")" cmake --build "$build" -j "$jobs" --target lacuna lacuna_device_tests
  } >"$logs/build.log" 2>&1
  local status=$? start=$1
  row build "program and tests" "$(verdict $status), $((SECONDS - start)) s"
  local losses
  losses=$(grep -c 'Potential Performance Loss' "$logs/build.log")
  ((losses == 0)) || row build "kernels that ptxas calls slow (build.log)" "$losses"
  if ((status != 0)); then grep -E -m 5 'error|Error' "$logs/build.log"; fi
  return $status
}

# The last line of a log that says how many passed.
run_counted() { # NAME SECONDS COMMAND...
  local name=$1 limit=$2 status
  shift 2
  timeout "$(at_most $((limit * patience)))" "$@" >"$build/parts/last.log" 2>&1
  status=$?
  { echo "== $name: $*" && cat "$build/parts/last.log"; } >>"$logs/test.log"
  local counts
  counts=$(grep -E '[0-9]+ passed|tests passed|^all ' "$build/parts/last.log" | tail -n 1)
  if ((status != 0 && status != 124)); then counts="${counts:+$counts; }$(grep -m 1 'error:' "$build/parts/last.log")"; fi
  row test "$name" "$(verdict $status)${counts:+: $counts}"
}

test_all() {
  : >"$logs/test.log"
  timeout "$(at_most $((150 * patience)))" ctest --test-dir "$build" -L device -j "$((jobs < 8 ? jobs : 8))" --timeout $((140 * patience)) \
    -V >"$logs/ctest.log" 2>&1
  local status=$?
  row test "ctest -L device" "$(verdict $status): $(grep -E 'tests passed' "$logs/ctest.log" || echo 'no summary')"
  row test "skipped" "$(grep -cE '\*\*\*Skipped|Not Run' "$logs/ctest.log"), messages of skips: $(grep -c 'skipped: no CUDA' "$logs/ctest.log")"
  grep -E '\*\*\*(Failed|Timeout|Exception)' "$logs/ctest.log" | sed -E 's/ *\.\.+/ /; s/^ *[0-9]+\/[0-9]+ //' | head -n 12 |
    while read -r line; do echo "  $line"; done
  run_counted "golden cases, f64" 60 "$build/lacuna" golden --failures --device $device tests/golden tests/golden_extra
  for precision in highest high medium; do
    run_counted "golden cases, $precision" 30 "$build/lacuna" golden --failures --device $device --precision $precision tests/golden \
      tests/golden_extra
  done
  run_counted "gradcheck" 90 "$build/lacuna" gradcheck --device $device
}

# One program under one tool; its verdict to parts/TOOL.PROGRAM.
sanitize_one() { # TOOL PROGRAM END
  local tool=$1 program=$2 left=$(($3 - $(date +%s))) name status
  name=$(basename "$program")
  ((left > 5)) || { echo "not run" >"$build/parts/$tool.$name" && return; }
  local pool=on
  if [[ $tool == memcheck || $tool == initcheck ]]; then pool=off; fi
  LACUNA_CUDA_POOL=$pool timeout "$((left < 240 ? left : 240))" compute-sanitizer --tool "$tool" --error-exitcode 99 --print-limit 10 \
    "$program" >"$build/parts/$tool.$name.log" 2>&1
  status=$?
  case $status in
    0 | 77) echo clean ;;
    99) echo errors ;;
    124 | 137) echo "out of time" ;;
    *) echo "failed ($status)" ;;
  esac >"$build/parts/$tool.$name"
}
export -f sanitize_one
export build

sanitize_all() {
  command -v compute-sanitizer >/dev/null || PATH=$PATH:/usr/local/cuda/bin
  if ! command -v compute-sanitizer >/dev/null; then row sanitize "all tools" "skipped: there is no compute-sanitizer"; return; fi
  rm -f "$build"/parts/*check.*
  local shared stop tool
  # Those whose kernels share memory between threads.
  shared="$(printf '%s\n' "$build"/tests/test_ops_{matmul,matmul_cuda,conv2d,conv2d_cuda,attention,attention_cuda,broadcast,reduce,softmax,activation,concat,resize})"
  shared+=$'\n'"$(find "$build/tests" -name lacuna_cuda_tests -type f)"
  local all first
  first="$(printf '%s\n' "$build"/tests/test_ops_{matmul,conv2d,attention}_cuda)"$'\n'"$(find "$build/tests" -name lacuna_cuda_tests -type f)"
  all="$(printf '%s\n' "$build"/tests/test_ops_* "$build"/tests/test_optim_{adam,muon}_device | grep -vE '_(winograd|reduced)$')"
  shared=$(grep -vxF "$first" <<<"$shared") all=$(grep -vxF "$first" <<<"$all")
  stop=$(($(date +%s) + $(at_most "$1")))
  {
    for tool in racecheck synccheck memcheck initcheck; do sed "s/^/$tool /" <<<"$first"; done # while there is time
    sed 's/^/memcheck /' <<<"$all"
    sed 's/^/racecheck /' <<<"$shared"
    sed 's/^/synccheck /' <<<"$shared"
    sed 's/^/initcheck /' <<<"$all"
  } | while read -r tool program; do [[ -x $program ]] && echo "$tool $program $stop"; done |
    xargs -P "$((jobs < 12 ? jobs : 12))" -L 1 bash -c 'sanitize_one "$@"' _
  : >"$logs/sanitize.log"
  for tool in memcheck racecheck synccheck initcheck; do
    row sanitize "$tool" "$(cat "$build"/parts/$tool.* 2>/dev/null | grep -E '^(clean|errors|out of time|not run|failed \([0-9]+\))$' |
      sort | uniq -c | awk '{$1 = $1} 1' | paste -sd, | sed 's/,/, /g')"
    for file in "$build"/parts/"$tool".*.log; do
      [[ -f $file ]] || continue
      local result
      result=$(cat "${file%.log}")
      [[ $result == clean ]] || { echo "== $tool $(basename "${file%.log}"): $result" && head -c 20000 "$file"; } >>"$logs/sanitize.log"
    done
    for file in "$build"/parts/"$tool".*; do
      if [[ $file != *.log && -f $file ]] && grep -qE 'errors|failed' "$file"; then echo "  $tool $(basename "$file"): $(cat "$file")"; fi
    done
  done
}

bench_all() {
  if ! "$python" -c 'import torch' 2>/dev/null; then row bench "beside PyTorch" "skipped: $python has no PyTorch"; return; fi
  local options=(--lacuna "$build/lacuna" --json "$logs/bench.json")
  if $emulated; then
    options+=(--device cpu --lacuna-device cuda --quick --work 512 --peers eager-tf32 eager-bf16 --rounds 1 --runs 1)
  else
    timeout "$(at_most 40)" "$build/lacuna" bench --device cuda --what peak,layers,inference --size 512 --precision medium --seconds 0.05 \
      >"$logs/layers.txt" 2>&1
    row bench "layers, medium (layers.txt)" "$(verdict $?)"
    options+=(--attention cheap --seconds "$(($(left) - 10))")
  fi
  timeout "$(left)" "$python" bench/peers/gpu.py "${options[@]}" >"$logs/bench.log" 2>&1
  row bench "beside PyTorch" "$(verdict $?)"
  sed -n '/^work .*contestant/,$p' "$logs/bench.log" >"$build/parts/bench_table.txt"
  if [[ ! -s $build/parts/bench_table.txt ]]; then tail -n 5 "$logs/bench.log"; fi
}

if [[ -x $build/lacuna ]] && ! wants build; then
  row build "program and tests" "those that are there"
elif ! build_all "$SECONDS"; then
  exit 1
fi
if ! $emulated; then nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | sed 's/^/device: /'; fi
if wants test; then test_all; fi
if wants sanitize; then
  # What is left when the benchmarks have had their part.
  if wants bench; then sanitize_all $(($(left) - 300 > 60 ? $(left) - 300 : 60)); else sanitize_all "$(left)"; fi
fi
if wants bench; then bench_all; fi
for entry in "${rows[@]}"; do if [[ $entry == *FAILED* || $entry == *errors* || $entry == *"failed ("* || $entry == *"out of time"* ]]; then exit 1; fi; done
exit 0
