#!/usr/bin/env python3
"""Lacuna against PyTorch, ONNX Runtime and OpenVINO on this machine: the same network, in turns, medians and ratios.

Every round times each contestant once, so that whatever else the machine does falls on all alike. Peers stay alive
between their turns, stopped; before they are timed their result is held against the network's in float64, and so is
Lacuna's. A peer that cannot be loaded, or computes something else, is listed with the reason.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SIZES = {"256": 256, "512": 512, "training": 256}
BATCH = 4
INFERENCE = [
    "torch-f32",
    "compile-f32",
    "onnxruntime-f32",
    "openvino-f32",
    "torch-bf16",
    "compile-bf16",
    "openvino-bf16",
]
TRAINING = ["torch-f32", "compile-f32", "torch-bf16", "compile-bf16"]
ATTENTIONS = ("literal", "cheap")
LEVELS = ("avx2", "avx512")
PRECISIONS = ("highest", "high", "medium")
MIN_PSNR = 40  # dB, of a bf16 peer's result
MAX_ERROR = 1e-3  # of an f32 peer's result

# Freed memory is kept and huge pages are used, as PyTorch's tuning guide has it; without, every large tensor is new
# memory from the system, and PyTorch takes up to twice the time.
GIB = 1 << 30
HEAP = {"hugetlb": 1, "mmap_max": 0, "trim_threshold": 64 * GIB, "top_pad": GIB // 4, "arena_max": 1}
TUNABLES = ":".join(f"glibc.malloc.{name}={value}" for name, value in HEAP.items())

# work, Lacuna's precision, against, the ratio that it should reach
GOALS = [
    ("512", "highest", "*-f32", 3),
    ("512", "high", "*-f32", 8),
    ("512", "medium", "*-bf16", 6),
    ("256", "highest", "*-f32", 2),
    ("256", "high", "*-f32", 4),
    ("training", "high", "torch-f32", 4),
]  # fmt: skip
LEVEL_GOALS = [
    ("512", "highest", ("torch-f32", "compile-f32")),
    ("512", "medium", ("torch-bf16", "compile-bf16")),
    ("256", "highest", ("torch-f32", "compile-f32")),
    ("training", "high", ("torch-f32",)),
]  # fmt: skip


class Failed(Exception):
    pass


def reason_in(text, fallback):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if "rror:" in line] or lines
    return lines[-1][:160] if lines else fallback


class Peer:
    """A process of inference.py or training.py."""

    def __init__(self, work, name, attention, threads, case):
        self.precision, self.level, self.attention = name.split("-")[1], "", attention
        self.name = name
        environment = {**os.environ, "GLIBC_TUNABLES": TUNABLES, "OMP_NUM_THREADS": str(threads)}
        script, last = ("training.py", BATCH) if work == "training" else ("inference.py", case)
        command = [sys.executable, HERE / script, name, attention, SIZES[work], threads, last]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=environment,
        )  # fmt: skip
        try:
            self.report = self.answer()
            self.check()
        except BaseException:
            self.close()
            raise

    def check(self):
        error, psnr = self.report.get("error", 0), self.report.get("psnr", MIN_PSNR)
        if self.precision == "f32" and error > MAX_ERROR:
            raise Failed(f"its result is {error:.2g} off")
        if psnr < MIN_PSNR:
            raise Failed(f"PSNR of its result {psnr:.1f} dB")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise Failed(reason_in(self.log.read(), f"ended with status {self.process.returncode}"))
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def run(self, count):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.kill()
        self.process.wait()


class Lacuna:
    """`lacuna bench`, started anew for every turn."""

    attention, name = "", "lacuna"

    def __init__(self, program, work, precision, level, threads):
        self.precision, self.level, self.report = precision, level, {}
        what = ["training", "--batch", BATCH] if work == "training" else ["inference"]
        command = [program, "bench", "--what", *what, "--size", SIZES[work], "--precision", precision]
        self.command = [str(word) for word in [*command, "--threads", threads, "--json", "-"]]
        self.environment = {**os.environ, **({"LACUNA_CPU": level} if level else {})}

    def run(self, count):
        command = [*self.command, "--repeat", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False)
        if done.returncode != 0:
            raise Failed(reason_in(done.stderr, f"ended with status {done.returncode}"))
        measured = json.loads(done.stdout)
        (row,) = measured["rows"]
        self.report = {"used_level": measured["level"], "peak_resident_bytes": row["peak_resident_bytes"]}
        return row["runs"]

    def close(self):
        pass


def label(c):
    words = [c.name] if c.attention else [c.name, c.precision]
    return " ".join(words + [c.level] * bool(c.level) + [c.attention] * bool(c.attention))


def write_case(path, size, program, cnum=32, device="cpu", torch_device="cpu"):
    """A generator case, its result computed in float64; Lacuna's own, on a device of that name, must agree."""
    import torch

    import network
    from safetensors_file import write_safetensors

    source = torch.Generator().manual_seed(3)
    generator = network.initialise(network.Generator(cnum, "cheap")).double()
    coarse = torch.rand(1, 3, size // 8, size // 8, generator=source, dtype=torch.float64) * 2 - 1
    image = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")
    mask = torch.zeros(1, 1, size, size, dtype=torch.float64)
    mask[:, :, size // 4 : 3 * size // 4, size // 3 : 3 * size // 4] = 1
    with torch.no_grad():
        outputs = [x.cpu() for x in generator.to(torch_device)(image.to(torch_device), mask.to(torch_device))]
    names = ("in.image", "in.mask", "out.coarse", "out.fine")
    tensors = {name: x.permute(0, 2, 3, 1).numpy() for name, x in zip(names, (image, mask, *outputs))}
    tensors.update(("weight." + name, x) for name, x in network.unload(generator.cpu()).items())
    arguments = {"cnum": cnum, "padding": "same"}
    metadata = {"case": "generator", "args": json.dumps(arguments), "tolerance": "1e-9"}
    write_safetensors(path, tensors, metadata)
    if program:
        command = [program, "golden", path, "--device", device]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{size}x{size}: Lacuna and PyTorch differ in float64\n{done.stdout}{done.stderr}")


def selected(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def leave_out(work, name, reason, failures):
    failures.append({"work": work, "name": name, "reason": str(reason)})
    print(f"  {name}: left out: {reason}", flush=True)


def contestants(work, options, case, failures, found):
    """Adds all that can be started, Lacuna's first."""
    if options.lacuna:
        forced = [(p, level) for w, p, _ in LEVEL_GOALS if w == work for level in options.levels]
        own = [(p, "") for w, p, _, _ in GOALS if w == work] + forced
        for precision, level in own:
            if precision in options.precisions:
                found.append(Lacuna(options.lacuna, work, precision, level, options.threads))
    for name in TRAINING if work == "training" else INFERENCE:
        for attention in options.attention:
            if not selected(name, options.peers):
                continue
            try:
                found.append(Peer(work, name, attention, options.threads, case))
            except (Failed, OSError) as reason:
                leave_out(work, f"{name} {attention}", reason, failures)


def take_turns(work, options, found, failures):
    """Seconds of each contestant over all rounds."""
    seconds = {c: [] for c in found}
    runs = 1 if work == "training" else options.runs
    for turn in range(options.rounds):
        for c in list(seconds):
            time.sleep(options.pause)
            try:
                seconds[c] += c.run(runs)
            except (Failed, OSError) as reason:
                leave_out(work, label(c), reason, failures)
                del seconds[c]
        print(f"  round {turn + 1} of {options.rounds}", flush=True)
    return seconds


def measure(work, options, failures):
    found = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            case = os.path.join(folder, f"generator__{work}.safetensors")
            if work != "training":
                write_case(case, SIZES[work], options.lacuna)
            contestants(work, options, case, failures, found)
        seconds = take_turns(work, options, found, failures)
    finally:
        for c in found:
            c.close()
    return [
        {
            "work": work, "name": c.name, "precision": c.precision, "level": c.level, "attention": c.attention,
            "median": statistics.median(s), "best": min(s), "seconds": s, **c.report,
        }
        for c, s in seconds.items()
    ]  # fmt: skip


def table(head, rows):
    widths = [max(len(str(row[k])) for row in [head, *rows]) for k in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
    print()


def ratios(results):
    """Each goal against the best of its peers, with either attention."""
    goals = [(w, p, "", (against,), goal) for w, p, against, goal in GOALS]
    goals += [(w, p, level, against, 1) for level in LEVELS for w, p, against in LEVEL_GOALS]
    found = []
    for work, precision, level, against, goal in goals:
        own = [
            r
            for r in results
            if r["name"] == "lacuna" and (r["work"], r["precision"], r["level"]) == (work, precision, level)
        ]
        for attention in ATTENTIONS:
            peers = [
                r for r in results if r["work"] == work and r["attention"] == attention and selected(r["name"], against)
            ]
            if own and peers:
                best = min(peers, key=lambda r: r["median"])
                found.append({
                    "work": work, "precision": precision, "level": level, "attention": attention,
                    "seconds": own[0]["median"], "peer": best["name"], "peer_seconds": best["median"],
                    "ratio": best["median"] / own[0]["median"], "goal": goal,
                })  # fmt: skip
    return found


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def versions():
    from importlib import metadata

    found = {"python": platform.python_version()}
    for name in ("torch", "onnxruntime", "openvino"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def show(report):
    rows = []
    for r in report["results"]:
        psnr = f"{r['psnr']:.1f}" if "psnr" in r else ""
        name = f"{r['name']} {r['precision']} {r['level']}".strip() if r["name"] == "lacuna" else r["name"]
        rows.append([r["work"], name, r["attention"], f"{r['median']:.4f}", f"{r['best']:.4f}", psnr])
    print()
    table(["work", "contestant", "attention", "median s", "best s", "PSNR to f64 dB"], rows)
    attentions = {"literal": "as usually written", "cheap": "with our cheaper attention"}
    rows = []
    for r in report["ratios"]:
        own = f"{r['precision']} {r['level']}".strip()
        verdict = "reached" if r["ratio"] >= r["goal"] else "not reached"
        rows.append([
            r["work"], own, f"{r['seconds']:.4f}", f"{r['peer']}, {attentions[r['attention']]}", f"{r['peer_seconds']:.4f}",
            f"{r['ratio']:.2f}", r["goal"], verdict,
        ])  # fmt: skip
    if rows:
        table(["work", "Lacuna", "s", "best peer", "s", "ratio", "goal", ""], rows)
    for f in report["failures"]:
        print(f"left out: {f['work']} {f['name']}: {f['reason']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--lacuna", default=str(ROOT / "build/release/lacuna"), help="the program; '' for the peers alone"
    )
    parser.add_argument("--work", nargs="+", choices=SIZES, default=list(SIZES), help="default: all")
    parser.add_argument(
        "--peers", nargs="+", default=["*"], metavar="PATTERN", help="such as 'openvino-*'; default: all"
    )
    parser.add_argument("--attention", nargs="+", choices=ATTENTIONS, default=list(ATTENTIONS), help="default: both")
    parser.add_argument(
        "--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS), help="Lacuna's; default: all"
    )
    parser.add_argument(
        "--levels", nargs="*", choices=LEVELS, default=list(LEVELS), help="forced by LACUNA_CPU; default: all"
    )
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument("--rounds", type=int, default=7, help="default: 7")
    parser.add_argument("--runs", type=int, default=3, help="inferences a turn; default: 3")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds before each turn; default: 0.2")
    parser.add_argument("--quick", action="store_true", help="256x256 alone, two rounds")
    parser.add_argument("--json", type=pathlib.Path, help="write everything to this file")
    options = parser.parse_args()
    if options.quick:
        options.work, options.rounds = ["256"], 2
    if options.lacuna and not pathlib.Path(options.lacuna).is_file():
        sys.exit(f"error: {options.lacuna}: no such program; build Lacuna first, or name it by --lacuna")

    failures, results = [], []
    machine = {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": options.threads, "versions": versions()}
    print(json.dumps(machine))
    for work in options.work:
        print(f"{work}:", flush=True)
        try:
            results += measure(work, options, failures)
        except Failed as reason:
            sys.exit(f"error: {reason}")
    report = {"machine": machine, "results": results, "ratios": ratios(results), "failures": failures}
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
