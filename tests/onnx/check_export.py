#!/usr/bin/env python3
"""Runs exported models in ONNX Runtime and holds what they compute against Lacuna itself.

    python3 check_export.py [--lacuna build/release/lacuna] [--photos FOLDER] [--openvino] [CASE...]

For each case a model is written, exported, put to ONNX's checker and run. The coarse and the fine result go into a golden
case, for `lacuna golden` to tell how far they are from its own in f64; the filled picture must be the fine result in the
hole and the image outside, bit for bit. Prints the largest absolute differences, of values from -1 to 1; the exit status
is 1 if one is above 1e-4 or if a file is not as it should be, and 77 if nothing could be checked because a package is
missing. CASE selects cases by part of their names; pictures are drawn, or with --photos taken from a folder.

Needs the packages numpy, onnx, onnxruntime and opencv-python-headless, and with --openvino openvino.
"""
import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
import time

try:
    import cv2
    import numpy as np
    import onnx
    import onnxruntime
except ModuleNotFoundError as missing:
    print(f"skipped: there is no Python module {missing.name}; pip install numpy onnx onnxruntime opencv-python-headless")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
from safetensors_file import read_safetensors, write_safetensors  # noqa: E402

SHIPPED = ROOT / "models" / "lacuna.safetensors"
LIMIT = 1e-4


@dataclasses.dataclass
class Case:
    name: str
    height: int
    width: int
    cnum: int = 4
    batch: int = 1
    padding: str = "same"
    order: str = "rgb"
    one_stage: bool = False
    attention: str = "contextual"
    storage: type = np.float32
    shipped: bool = False  # the shipped model's weights and cnum, and what `changed` does not name
    changed: dict = dataclasses.field(default_factory=dict)  # of its metadata


CASES = [
    Case("tiny-same", 64, 64),
    Case("tiny-reflect", 64, 64, padding="reflect"),
    Case("tiny-symmetric", 64, 64, padding="symmetric"),
    Case("tiny-bgr-batch", 64, 48, batch=3, order="bgr"),
    Case("tiny-8x8", 8, 8, padding="reflect"),
    Case("tiny-long", 8, 136),
    Case("tiny-f16", 72, 40, storage=np.float16),
    Case("tiny-odd", 61, 83),
    Case("tiny-odd-bgr-batch", 43, 50, batch=2, padding="symmetric", order="bgr"),
    Case("tiny-3x5", 3, 5, padding="reflect"),
    Case("tiny-one-stage", 64, 48, one_stage=True, padding="symmetric", order="bgr"),
    Case("tiny-no-attention", 48, 64, attention="none"),
    Case("cnum-6-bgr", 40, 56, cnum=6, order="bgr"),
    Case("cnum-10-bgr", 40, 56, cnum=10, order="bgr"),
    Case("full-256", 256, 256, cnum=32),
    Case("full-256-symmetric-bgr", 256, 256, cnum=32, padding="symmetric", order="bgr"),
    Case("full-192x320", 192, 320, cnum=32),
    Case("full-251x333", 251, 333, cnum=32),
    Case("full-512", 512, 512, cnum=32),
    Case("shipped-256", 256, 256, shipped=True),
    Case("shipped-256-f16", 256, 256, shipped=True, storage=np.float16),
    Case("shipped-256-reflect", 256, 256, shipped=True, changed={"padding": "reflect"}),
    Case("shipped-256-no-attention", 256, 256, shipped=True, changed={"attention": "none"}),
    Case("shipped-200x328", 200, 328, shipped=True),
    Case("shipped-251x333", 251, 333, shipped=True),
    Case("shipped-251x333-f16-reflect", 251, 333, shipped=True, storage=np.float16, changed={"padding": "reflect"}),
    Case("shipped-512", 512, 512, shipped=True),
    Case("shipped-512-f16", 512, 512, shipped=True, storage=np.float16),
    Case("shipped-509x500-no-attention", 509, 500, shipped=True, changed={"attention": "none"}),
]


def random_weights(case, random):
    """Glorot-uniform kernels and biases in the shapes of a golden case, whose cnum is 4, with those of case.cnum."""
    weights = {}
    tensors, _ = read_safetensors(ROOT / "tests" / "golden" / "generator__0_same.safetensors")
    for name, t in tensors.items():
        layer = name.removeprefix("weight.inpaint_net/").split("/")[0]
        if not name.startswith("weight.") or case.one_stage and not layer.startswith("conv"):
            continue
        first, last = layer in ("conv1", "xconv1", "pmconv1"), layer in ("conv17", "allconv17")
        shape = [n * case.cnum // 4 for n in t.shape[-2:]]
        if len(t.shape) == 1:
            limit, shape = 0.1, t.shape if last else shape
        else:
            shape = [*t.shape[:2], t.shape[2] if first else shape[0], t.shape[3] if last else shape[1]]
            limit = (6 / (shape[0] * shape[1] * (shape[2] + shape[3]))) ** 0.5
        weights[name.removeprefix("weight.")] = random.uniform(-limit, limit, shape).astype(case.storage)
    return weights


def model_of(case, program, folder, random):
    """The model's file, its weights, and the case with what the file says of it."""
    path = folder / "model.safetensors"
    if not case.shipped:
        weights = random_weights(case, random)
        metadata = {"format": "lacuna-model", "cnum": str(case.cnum), "padding": case.padding,
                    "one_stage": str(case.one_stage).lower(), "attention": case.attention,
                    "channel_order": case.order}  # fmt: skip
        write_safetensors(path, weights, metadata)
        return path, weights, case
    run(program, "convert", "--storage", "f16" if case.storage == np.float16 else "f32", SHIPPED, path)
    weights, metadata = read_safetensors(path)
    metadata.update(case.changed)
    write_safetensors(path, weights, metadata)
    return path, weights, dataclasses.replace(
        case, cnum=int(metadata["cnum"]), padding=metadata["padding"], order=metadata["channel_order"],
        one_stage=metadata["one_stage"] == "true", attention=metadata["attention"])  # fmt: skip


def drawn(height, width, random):
    """Smooth colours with some noise, in 16 bits."""
    coarse = random.uniform(0, 1, (max(2, height // 16), max(2, width // 16), 3))
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noisy = np.clip(smooth + random.normal(0, 0.03, smooth.shape), 0, 1)
    return np.round(noisy * 65535).astype(np.uint16)


def photograph(file, height, width):
    """In 16 bits, with its sides stretched to the size."""
    image = cv2.imread(str(file))
    if image is None:
        raise RuntimeError(f"{file} cannot be read as a picture")
    return cv2.resize(image[..., ::-1], (width, height), interpolation=cv2.INTER_AREA).astype(np.uint16) * 257


def pictures(case, photos, random):
    """Of 16 bits, (N,H,W,3), and masks (N,H,W) with a box and a disc."""
    images, masks = [], []
    rows, columns = np.mgrid[: case.height, : case.width]
    for k in range(case.batch):
        if photos:
            images.append(photograph(photos[random.integers(len(photos))], case.height, case.width))
        else:
            images.append(drawn(case.height, case.width, random))
        top, left = case.height // (4 + k), case.width // 3
        hole = (rows >= top) & (rows < top + case.height // 3) & (columns >= left) & (columns < left + case.width // 4)
        hole |= (rows - 0.75 * case.height) ** 2 + (columns - 0.8 * case.width) ** 2 < (min(case.height, case.width) / 8) ** 2
        masks.append(hole)
    return np.stack(images), np.stack(masks)


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"lacuna {arguments[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def largest(a, b):
    difference = np.abs(a.astype(np.float64) - b)
    return float("inf") if np.isnan(difference).any() else float(difference.max(initial=0))


def against_golden(case, program, folder, weights, image, mask, outputs):
    """The largest difference of the raw results from Lacuna's in f64."""
    turn = slice(None, None, -1) if case.order == "bgr" else slice(None)
    arguments = {"cnum": case.cnum, "padding": case.padding, "one_stage": case.one_stage, "attention": case.attention}
    tensors = {"in.image": image[..., turn], "in.mask": mask[..., None]}
    tensors["out.coarse"] = outputs["coarse"].transpose(0, 2, 3, 1)[..., turn]
    tensors["out.fine"] = outputs.get("fine", outputs["coarse"]).transpose(0, 2, 3, 1)[..., turn]
    tensors.update(("weight." + name, w) for name, w in weights.items())
    tensors = {name: t.astype(np.float64) for name, t in tensors.items()}
    metadata = {"case": "generator", "args": json.dumps(arguments), "tolerance": str(LIMIT)}
    write_safetensors(folder / "case.safetensors", tensors, metadata)
    done = subprocess.run([program, "golden", folder / "case.safetensors"], capture_output=True, text=True, check=False)
    errors = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) >= 5 and words[1].removeprefix("out.") in ("coarse", "fine"):
            errors[words[1].removeprefix("out.")] = float(words[2])
    if len(errors) != 2:
        raise RuntimeError(f"lacuna golden: {done.stdout}{done.stderr}")
    return errors


def check(case, program, folder, photos, with_openvino):
    """Prints the line of a case; whether all is well."""
    random = np.random.default_rng(list(case.name.encode()))
    model, weights, case = model_of(case, program, folder, random)
    exported = folder / "model.onnx"
    run(program, "export", "--onnx", exported, "--model", model, "--size", f"{case.width}x{case.height}", "--batch",
        case.batch)  # fmt: skip
    onnx.checker.check_model(str(exported), full_check=True)

    samples, holes = pictures(case, photos, random)
    image, mask = samples.astype(np.float32) / np.float32(32767.5) - 1, holes.astype(np.float32)
    feed = {"image": np.ascontiguousarray(image.transpose(0, 3, 1, 2)), "mask": mask[:, None]}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])
    start = time.perf_counter()
    outputs = {o.name: value for o, value in zip(session.get_outputs(), session.run(None, feed))}
    seconds = time.perf_counter() - start
    del session
    filled = outputs["filled"]
    result = outputs.get("fine", outputs["coarse"])
    composed = np.array_equal(filled, np.where(feed["mask"] > 0, result, feed["image"]))

    differences = against_golden(case, program, folder, weights, image, mask, outputs)
    if with_openvino:
        import openvino

        compiled = openvino.compile_model(str(exported), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        differences["openvino"] = largest(compiled(feed)["filled"], filled)
    well = composed and max(differences.values()) <= LIMIT
    figures = "".join(f"  {name} {value:.1e}" for name, value in differences.items())
    print(f"{case.name:30}{figures}  {seconds:.2f} s{'' if composed else '  NOT THE FINE RESULT AND THE IMAGE'}"
          f"{'' if well else '  FAILED'}", flush=True)  # fmt: skip
    return well


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--lacuna", type=pathlib.Path, default=ROOT / "build" / "release" / "lacuna")
    parser.add_argument("--photos", type=pathlib.Path, metavar="FOLDER", help="take the pictures from this folder")
    parser.add_argument("--openvino", action="store_true", help="run the models in OpenVINO, too")
    arguments = parser.parse_args()
    chosen = [c for c in CASES if not arguments.cases or any(part in c.name for part in arguments.cases)]
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}; largest absolute differences", flush=True)
    photos = sorted(f for f in arguments.photos.iterdir() if f.suffix in (".jpg", ".png")) if arguments.photos else []
    well = bool(chosen)
    for case in chosen:
        with tempfile.TemporaryDirectory() as folder:
            well = check(case, arguments.lacuna.resolve(), pathlib.Path(folder), photos, arguments.openvino) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
