#!/usr/bin/env python3
"""Lacuna against PyTorch on a CUDA device: the same network, in turns; ratios beside what was wanted, and the floors.

PyTorch eager, as CUDA graphs and by torch.compile, channels-last, in TF32 and bf16 (see gpu_peer.py). Before they are
timed their results are held against the network's in float64, and so are Lacuna's. The floors are the operations of the
network's definition over the rate of the card's library in a large product, and the bytes of the products' operands and
results over the rate of a copy within the card; no program that runs the layers one by one is faster.
"""

import argparse
import json
import os
import pathlib
import select
import statistics
import subprocess
import sys
import tempfile
import time

from run import Failed, reason_in, table, write_case

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# kind, size, batch, and with --quick
WORKS = {
    "512": ("inference", 512, 1, 64, 1),
    "training": ("training", 256, 16, 32, 2),
    "256x16": ("inference", 256, 16, 32, 2),
}
INFERENCE = ["eager-tf32", "graph-tf32", "compile-tf32", "eager-bf16", "graph-bf16", "compile-bf16"]
TRAINING = ["eager-tf32", "graph-tf32", "eager-bf16", "graph-bf16", "compile-bf16", "compile-graph-bf16"]
PRECISIONS = {"512": ["highest", "high", "medium"], "256x16": ["high", "medium"], "training": ["high", "medium"]}
# work, Lacuna's precision, the peers' type, the ratio that it should reach, and the milliseconds
GOALS = [
    ("512", "medium", "bf16", 2, 4),
    ("256x16", "medium", "bf16", 1.5, None),
    ("512", "high", "tf32", 1.5, None),
    ("training", "medium", "bf16", 1.5, None),
]
CNUM, QUICK_CNUM = 32, 8
MIN_PSNR, MAX_ERROR = 40, 1e-2  # dB of bf16; of TF32, whose operands have 11 bits


class Process:
    """gpu_peer.py with these arguments; `answer` reads its next line."""

    def __init__(self, *arguments):
        self.log = tempfile.TemporaryFile("w+")
        command = [str(word) for word in (sys.executable, HERE / "gpu_peer.py", *arguments)]
        environment = {**os.environ, "GPU_PEER_LOCK": os.path.join(tempfile.gettempdir(), f"gpu_peer_{os.getpid()}.lock")}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )

    def answer(self, deadline):
        if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            raise Failed("was not ready in time")
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise Failed(reason_in(self.log.read(), f"ended with status {self.process.returncode}"))
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()


def asked(*arguments):
    """The one answer of a peer that only computes something."""
    process = Process(*arguments)
    try:
        return process.answer(time.monotonic() + 60)
    finally:
        process.close()


class Peer(Process):
    def __init__(self, options, work, name, attention, case):
        kind, size, batch = options.works[work]
        self.name, self.attention, self.type = name, attention, name.rsplit("-", 1)[1]
        last = case if kind == "inference" else options.cnum
        super().__init__(kind, name, attention, options.device, size, batch, last)

    def prepare(self, deadline):
        self.report = self.answer(deadline)
        if self.type == "tf32" and self.report.get("error", 0) > MAX_ERROR:
            raise Failed(f"its result is {self.report['error']:.2g} off")
        if self.report.get("psnr", MIN_PSNR) < MIN_PSNR:
            raise Failed(f"PSNR of its result {self.report['psnr']:.1f} dB")

    def run(self, count, deadline):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self.answer(deadline)


class Lacuna:
    """`lacuna bench`, started anew for every turn. As lacuna-mma it leaves wgmma alone, Hopper's tensor instructions."""

    attention, process = "", None

    def __init__(self, options, work, precision, name="lacuna"):
        kind, size, batch = options.works[work]
        self.name, self.type, self.report = name, precision, {}
        self.environment = {**os.environ, "LACUNA_WGMMA": "off"} if name == "lacuna-mma" else None
        words = [options.lacuna, "bench", "--device", options.lacuna_device, "--what", kind, "--size", size, "--batch"]
        words += [batch, "--cnum", options.cnum, "--precision", precision, "--json", "-"]
        self.command = [str(word) for word in words]

    def prepare(self, deadline):
        self.run(1, deadline)

    def run(self, count, deadline):
        left = max(1, deadline - time.monotonic())
        command = [*self.command, "--repeat", str(count)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=left, env=self.environment
            )
        except subprocess.TimeoutExpired:
            raise Failed("was not ready in time") from None
        if done.returncode != 0:
            raise Failed(reason_in(done.stderr, f"ended with status {done.returncode}"))
        (row,) = json.loads(done.stdout)["rows"]
        self.report = {"peak_allocated_bytes": row["peak_block_bytes"]}
        return row["runs"]

    def close(self):
        pass


def leave_out(work, contestant, reason, failures):
    name = " ".join(filter(None, (contestant.name, contestant.type, contestant.attention)))
    failures.append({"work": work, "name": name, "reason": str(reason)})
    print(f"  {name}: left out: {reason}", flush=True)


def measure(work, options, end, failures):
    """Rows of all contestants of a work, by the time `end`. The peers prepare themselves at the same time, and take
    turns then."""
    kind, size, _ = options.works[work]
    attentions = options.attention or (["literal", "cheap"] if work == "512" else ["cheap"])
    start = time.monotonic()
    deadline = start + 0.75 * (end - start)
    found, seconds = [], {}
    with tempfile.TemporaryDirectory() as folder:
        case = os.path.join(folder, "generator__case.safetensors")
        try:
            if kind == "inference":
                write_case(case, size, options.lacuna, options.cnum, options.lacuna_device, options.device)
            names = [n for n in (INFERENCE if kind == "inference" else TRAINING) if not options.peers or n in options.peers]
            found = [Peer(options, work, name, a, case) for a in attentions for name in names]
            if options.lacuna:
                found += [Lacuna(options, work, p) for p in PRECISIONS[work]]
                found.append(Lacuna(options, work, "medium", "lacuna-mma"))
            for c in found:
                try:
                    c.prepare(deadline)
                    seconds[c] = []
                except (Failed, OSError) as reason:
                    leave_out(work, c, reason, failures)
                    c.close()
            print(f"  prepared in {time.monotonic() - start:.0f} s", flush=True)
            runs = 3 if kind == "training" else options.runs
            for turn in range(options.rounds):
                if turn > 0 and time.monotonic() > end:
                    print(f"  {turn} rounds in the time there was", flush=True)
                    break
                for c in list(seconds):
                    try:
                        seconds[c] += c.run(runs, max(end, time.monotonic() + 20))
                    except (Failed, OSError) as reason:
                        leave_out(work, c, reason, failures)
                        del seconds[c]
        finally:
            for c in found:
                c.close()
    return [
        {
            "work": work, "name": c.name, "type": c.type, "attention": c.attention, "median": statistics.median(s),
            "best": min(s), "runs": s, **c.report,
        }
        for c, s in seconds.items()
        if s
    ]  # fmt: skip


def floor_of(work, floors, counts, rate):
    """Milliseconds that the operations and the bytes of a work take at least."""
    if work not in counts or rate not in floors:
        return None, None
    return counts[work]["flops"] / floors[rate] * 1e3, counts[work]["bytes"] / floors["copy_bytes"] * 1e3


def compare(results, floors, counts, failures):
    rows = []
    for work, precision, kind, goal, limit in GOALS:
        own = [r for r in results if (r["work"], r["name"], r["type"]) == (work, "lacuna", precision)]
        peers = [r for r in results if r["work"] == work and r["type"] == kind]
        if not own or not peers:
            rows.append({"work": f"{work} {precision}", "verdict": "not measured"})
            continue
        best, ms = min(peers, key=lambda r: r["median"]), own[0]["median"] * 1e3
        ratio = best["median"] * 1e3 / ms
        missing = [f["name"] for f in failures if f["work"] == work and f"-{kind}" in f["name"]]
        # `high` makes one product of three in bf16.
        compute, moving = floor_of(work, floors, counts, "bf16_flops")
        rows.append({
            "work": f"{work} {precision}", "ms": ms, "peer": f"{best['name']} {best['attention']}",
            "peer_ms": best["median"] * 1e3, "ratio": ratio, "goal": goal, "limit_ms": limit,
            "verdict": ("reached" if ratio >= goal and (not limit or ms < limit) else "not reached")
            + "".join(f", without {name}" for name in missing),
            "compute_ms": compute and compute * (3 if precision == "high" else 1), "memory_ms": moving,
        })  # fmt: skip
    own = [r for r in results if (r["work"], r["name"], r["type"]) == ("training", "lacuna", "medium")]
    peers = [r for r in results if r["work"] == "training" and r["type"] == "bf16" and r.get("peak_allocated_bytes")]
    if own and peers:
        best = min(peers, key=lambda r: r["peak_allocated_bytes"])
        mine, theirs = own[0]["peak_allocated_bytes"], best["peak_allocated_bytes"]
        rows.append({
            "work": "training medium, MiB", "ms": mine / 2**20, "peer": best["name"], "peer_ms": theirs / 2**20,
            "ratio": theirs / max(1, mine), "goal": 1, "verdict": "reached" if mine < theirs else "not reached",
        })  # fmt: skip
    return rows


def show(report):
    mib = lambda r: f"{r['peak_allocated_bytes'] / 2**20:.0f}" if r.get("peak_allocated_bytes") else ""
    psnr = lambda r: f"{r['psnr']:.1f}" if "psnr" in r else ""
    print()
    rows = [
        [r["work"], r["name"], r["type"], r["attention"], f"{r['median'] * 1e3:.3f}", f"{r['best'] * 1e3:.3f}", mib(r), psnr(r)]
        for r in report["results"]
    ]
    table(["work", "contestant", "type", "attention", "median ms", "best ms", "peak MiB", "PSNR dB"], rows)
    floors = report["floors"]
    print("  ".join(f"{k} {v / 1e12:.1f} T/s" if isinstance(v, float) else f"{v};" for k, v in floors.items()))
    print()
    shown = lambda x: "" if x is None else f"{x:.3f}" if x < 1000 else f"{x:.0f}"
    rows = [
        [
            r["work"], shown(r.get("ms")), r.get("peer", ""), shown(r.get("peer_ms")), shown(r.get("ratio")),
            f"{r['goal']}" + (f", < {r['limit_ms']} ms" if r.get("limit_ms") else "") if "goal" in r else "", r["verdict"],
            shown(r.get("compute_ms")), shown(r.get("memory_ms")),
        ]
        for r in report["ratios"]
    ]  # fmt: skip
    head = ["work", "Lacuna ms", "best PyTorch", "ms", "ratio", "wanted", "", "floor: compute ms", "memory ms"]
    table(head, rows)
    for f in report["failures"]:
        print(f"left out: {f['work']} {f['name']}: {f['reason']}")


def options_given():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--lacuna", default=str(ROOT / "build/gpu/lacuna"), help="the program; '' for the peers alone; default: %(default)s")
    add("--device", default="cuda", help="PyTorch's; cpu tries the script out; default: %(default)s")
    add("--lacuna-device", help="default: the same")
    add("--work", nargs="+", choices=WORKS, default=list(WORKS), help="default: all")
    add("--peers", nargs="+", metavar="NAME", help="such as graph-bf16; default: all")
    add("--attention", nargs="+", choices=("literal", "cheap"), help="the peers'; default: cheap, for 512 both")
    add("--rounds", type=int, default=3, help="default: %(default)s")
    add("--runs", type=int, default=30, help="inferences a turn; default: %(default)s")
    add("--seconds", type=float, default=600, help="for everything; default: %(default)s")
    add("--quick", action="store_true", help="tiny pictures and networks: the logic, not the speed")
    add("--json", type=pathlib.Path, help="write everything to this file")
    options = parser.parse_args()
    options.lacuna_device = options.lacuna_device or options.device
    options.cnum = QUICK_CNUM if options.quick else CNUM
    options.works = {w: (kind, *(quick if options.quick else full)) for w, (kind, *both) in WORKS.items()
                     for full, quick in [(both[:2], both[2:])]}  # fmt: skip
    if options.lacuna and not pathlib.Path(options.lacuna).is_file():
        sys.exit(f"error: {options.lacuna}: no such program; build Lacuna first, or name it by --lacuna")
    return options


def main():
    options = options_given()
    end = time.monotonic() + options.seconds - 15  # for the counts
    failures, results, counts, floors = [], [], {}, {}
    try:
        floors = asked("floors", options.device, 256 if options.quick else 8192)
    except Failed as reason:
        failures.append({"work": "floors", "name": "torch", "reason": str(reason)})
    for k, work in enumerate(options.work):
        kind, size, batch = options.works[work]
        print(f"{work}: {kind}, {size}x{size}, batch {batch}", flush=True)
        share = max(1, end - time.monotonic()) / (len(options.work) - k)
        try:
            results += measure(work, options, time.monotonic() + share, failures)
        except (Failed, RuntimeError) as reason:  # of PyTorch, such as that memory is out
            failures.append({"work": work, "name": "all", "reason": str(reason)})
        try:
            counts[work] = asked("count", kind, options.device, size, batch, options.cnum)
        except Failed as reason:
            failures.append({"work": work, "name": "count", "reason": str(reason)})
        report = {"floors": floors, "counts": counts, "results": results, "failures": failures}
        report["ratios"] = compare(results, floors, counts, failures)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    show(report)


if __name__ == "__main__":
    main()
