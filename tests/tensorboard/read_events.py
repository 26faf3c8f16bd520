#!/usr/bin/env python3
"""Reads a run's event files with TensorBoard itself and holds what it gets against the run's metrics.jsonl.

    python3 read_events.py RUN

Every number of metrics.jsonl must be there at its step, under the tag of the table in docs/training.md, and nothing of
steps that a resumed run has done again; pictures must decode to their announced size. Prints a summary; the exit status
is 1 if something differs. Needs the packages tensorboard and pillow.
"""
import io
import json
import math
import pathlib
import sys

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

NAMES = {"lr": "learning_rate/generator", "critic_lr": "learning_rate/critics",
         "pictures_per_second": "speed/pictures_per_second", "loss": "loss/all"}


def tag_of(kind, name):
    if kind == "validation":
        return "validation/" + name
    if name in NAMES:
        return NAMES[name]
    if name.startswith("gradient_"):
        return "gradient/" + name.removeprefix("gradient_")
    for critic in ("critic_global", "critic_local"):
        if name == critic:
            return critic + "/loss"
        if name.startswith(critic + "_"):
            return critic + "/" + name.removeprefix(critic + "_")
    return "loss/" + name


def main(run):
    events = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    expected = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        values = json.loads(line)
        step, kind = values.pop("step"), values.pop("kind")
        for name, value in values.items():
            expected.setdefault(tag_of(kind, name), []).append((step, value))

    wrong = []
    for tag in sorted(set(expected) | set(events.Tags()["scalars"])):
        read = [(e.step, e.value) for e in events.Scalars(tag)] if tag in events.Tags()["scalars"] else []
        wanted = expected.get(tag, [])
        same = len(read) == len(wanted) and all(
            a[0] == b[0] and math.isclose(a[1], b[1], rel_tol=1e-6, abs_tol=1e-30) for a, b in zip(read, wanted))
        if not same:
            wrong.append(f"{tag}: TensorBoard has {read[:4]}..., metrics.jsonl {wanted[:4]}...")
    for tag in events.Tags()["images"]:
        steps = [e.step for e in events.Images(tag)]
        if steps != sorted(set(steps)):
            wrong.append(f"{tag}: steps {steps}")
        for event in events.Images(tag):
            picture = Image.open(io.BytesIO(event.encoded_image_string))
            picture.load()
            if picture.size != (event.width, event.height):
                wrong.append(f"{tag}: {picture.size}, announced {(event.width, event.height)}")
    if "configuration" not in events.Tags()["tensors"]:
        wrong.append("the configuration is missing")

    print(f"{len(list(run.glob('events.out.tfevents.*')))} files, {len(expected)} scalars at up to "
          f"{max(map(len, expected.values()))} steps, {len(events.Tags()['images'])} pictures")
    for tag in events.Tags()["images"]:
        shown = events.Images(tag)
        print(f"  {tag}: {shown[0].width}x{shown[0].height}, steps {[e.step for e in shown]}")
    for line in wrong:
        print("WRONG:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))
