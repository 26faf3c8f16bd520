#!/usr/bin/env python3
"""Prints the table of docs/results.md for photographs of yours (needs OpenCV's Python module and numpy).

Each photograph gets one hole of 128x128 whose corner is drawn by numpy.random.RandomState(SEED).randint(16, H - 143) and
the same for the width, in order of file names. The holes are filled by the model, by Lacuna's patchmatch and mean, and
by OpenCV's two methods, and `lacuna eval` measures them all.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp"}
HOLE, MARGIN = 128, 16
SHOWN = 168  # the side of a picture in the sheet
OTHERS = {"Telea": "telea", "Navier-Stokes": "ns"}


def photographs(sources):
    for source in sources:
        if source.is_dir():
            yield from sorted(f for f in source.iterdir() if f.suffix.lower() in EXTENSIONS)
        else:
            yield source


def read(file, square):
    picture = cv2.imread(str(file))
    if picture is None:
        sys.exit(f"error: {file}: cannot be read as a picture")
    if square:
        side = min(picture.shape[:2])
        top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
        picture = cv2.resize(picture[top:top + side, left:left + side], (square, square), interpolation=cv2.INTER_AREA)
    if min(picture.shape[:2]) < HOLE + 2 * MARGIN:
        sys.exit(f"error: {file}: is too small for a hole of {HOLE}x{HOLE}")
    return picture


def write_cases(arguments, images, masks):
    """The photographs as PNG and a mask for each, white in the hole."""
    random = np.random.RandomState(arguments.seed)
    for folder in (images, masks):
        folder.mkdir(parents=True, exist_ok=True)
    for file in photographs(arguments.photos):
        picture = read(file, arguments.square)
        height, width = picture.shape[:2]
        top, left = random.randint(MARGIN, [height - HOLE - MARGIN + 1, width - HOLE - MARGIN + 1])
        mask = np.zeros((height, width), np.uint8)
        mask[top:top + HOLE, left:left + HOLE] = 255
        cv2.imwrite(str(images / f"{file.stem}.png"), picture)
        cv2.imwrite(str(masks / f"{file.stem}.png"), mask)


def write_sheet(path, images, masks, fills):
    """A row a photograph: with its hole, filled by each method, the original."""
    rows = []
    for file in sorted(images.iterdir()):
        original, mask = cv2.imread(str(file)), cv2.imread(str(masks / file.name), cv2.IMREAD_GRAYSCALE)
        row = [np.where(mask[..., None] > 0, 255, original).astype(np.uint8)]
        row += [cv2.imread(str(folder / file.name)) for folder in fills] + [original]
        row = [cv2.resize(p, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA) for p in row]
        rows.append(np.hstack([cv2.copyMakeBorder(p, 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for p in row]))
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path, nargs="+", help="photographs or folders of them")
    parser.add_argument("--square", type=int, default=0, help="reduce each photograph's middle to a square of that side")
    parser.add_argument("--seed", type=int, default=2018, help="of the holes' places; default: 2018")
    parser.add_argument("--lacuna", default=str(ROOT / "build/release/lacuna"), help="the program; default: %(default)s")
    parser.add_argument("--model", default=str(ROOT / "models/lacuna.safetensors"), help="default: the shipped one")
    parser.add_argument("--work", type=pathlib.Path, help="keep pictures, masks and fills in this folder")
    parser.add_argument("--report", help="write the report of lacuna eval to this file")
    parser.add_argument("--sheet", help="write all photographs and fills side by side to this picture")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or pathlib.Path(temporary)
        images, masks, fills = work / "images", work / "masks", work / "fills"
        write_cases(arguments, images, masks)
        command = [arguments.lacuna, "eval", "--images", images, "--masks", masks, "--model", f"Lacuna={arguments.model}",
                   "--baseline", "patchmatch", "--baseline", "mean", "--save", fills, "--markdown"]
        for name, method in OTHERS.items():
            subprocess.run([sys.executable, ROOT / "bench/peers/opencv_inpaint.py", images, masks, work / name, "--method",
                            method], check=True, stdout=subprocess.DEVNULL)
            command += ["--filled", f"{name}={work / name}"]
        if arguments.report:
            command += ["--report", arguments.report]
        if subprocess.run(list(map(str, command))).returncode != 0:
            sys.exit(1)
        if arguments.sheet:
            order = ["Lacuna", "patchmatch", "Telea", "Navier-Stokes", "mean"]
            write_sheet(arguments.sheet, images, masks, [fills / name for name in order])


if __name__ == "__main__":
    main()
