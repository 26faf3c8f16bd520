#!/usr/bin/env python3
"""What nvcc makes of the device code: for each file and each generation of devices how many kernels there are, the most
registers that one of them uses, and the bytes that all of them keep in memory for want of registers.

Needs nvcc and no device. Ends with status 1 if a file does not compile, or nvcc sees a loss of performance in it;
--details names every kernel that spills.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("autograd", "bench", "nets", "ops", "optim", "tensor", "train")
ARCHITECTURES = "75,80,86,89,90a,100,120"
FLAGS = ["-std=c++20", "-O3", "--extended-lambda", "--fmad=false", "-Xptxas", "-v", "-DLACUNA_CUDA", "-DLACUNA_SM90A", "-I."]
ENTRY = re.compile(r"Compiling entry function '(\S+)' for 'sm_(\d+)a?'")
SPILL = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
LOSS = "Potential Performance Loss"  # such as wgmma that ptxas makes wait for each other
REGISTERS = re.compile(r"Used (\d+) registers")


def compile_file(nvcc, file, architecture):
    """[(kernel, registers, bytes spilled, stack)], or what nvcc says is wrong or slow."""
    code = f"arch=compute_{architecture},code=sm_{architecture}"
    command = [nvcc, *FLAGS, "-gencode", code, "-c", str(file), "-o", os.devnull]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stdout + done.stderr
    if losses := [line for line in done.stderr.splitlines() if LOSS in line]:
        return "\n".join(losses)
    kernels, name, spilled, stack = [], None, 0, 0
    for line in done.stderr.splitlines():
        if found := ENTRY.search(line):
            name = found[1]
        elif found := SPILL.search(line):
            stack, spilled = int(found[1]), int(found[2]) + int(found[3])
        elif name and (found := REGISTERS.search(line)):
            kernels.append((name, int(found[1]), spilled, stack))
            name, spilled, stack = None, 0, 0
    return kernels


def plain(name):
    filtered = subprocess.run(["c++filt", name], capture_output=True, text=True, check=False).stdout.strip()
    return re.sub(r"lacuna::(kernels::|detail::|functors::|gemm::|\(anonymous namespace\)::)*", "", filtered)[:150]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="default: all .cu files of the libraries")
    parser.add_argument("--architectures", type=lambda text: text.split(","), default=ARCHITECTURES, help="default: %(default)s")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="default: %(default)s")
    parser.add_argument("--details", action="store_true", help="also name the kernels that spill")
    options = parser.parse_args()
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    files = options.files or sorted(str(f.relative_to(ROOT)) for d in FOLDERS for f in (ROOT / d).rglob("*.cu"))

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        work = {(f, a): pool.submit(compile_file, nvcc, f, a) for f in files for a in options.architectures}
        results = {}
        for key, future in work.items():
            results[key] = future.result()
            if isinstance(results[key], str):
                print(f"{key[0]} for sm_{key[1]} does not compile as it should:\n{results[key]}", file=sys.stderr)

    print("| file | kernels | " + " | ".join(f"sm_{a}" for a in options.architectures) + " |")
    print("|---|---|" + "---|" * len(options.architectures))
    for f in files:
        cells, count = [], 0
        for a in options.architectures:
            kernels = results[f, a]
            if isinstance(kernels, str):
                cells.append("FAILED")
                continue
            count, spilled = len(kernels), sum(k[2] for k in kernels)
            cells.append(str(max((k[1] for k in kernels), default="-")) + (f", {spilled} B spilled" if spilled else ""))
        print(f"| `{f}` | {count} | " + " | ".join(cells) + " |")
    if options.details:
        print()
        for (f, a), kernels in results.items():
            for name, registers, spilled, stack in kernels if not isinstance(kernels, str) else ():
                if spilled or stack:
                    print(f"sm_{a} {f}: {registers} registers, {spilled} bytes spilled, stack {stack}: {plain(name)}")
    sys.exit(any(isinstance(r, str) for r in results.values()))


if __name__ == "__main__":
    main()
