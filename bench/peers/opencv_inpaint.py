#!/usr/bin/env python3
"""Fills holes by OpenCV's classical methods, for `lacuna eval --filled` to measure (needs OpenCV's Python module).

For every picture in IMAGES and below it the mask of the same path, whatever its extension, is looked for in MASKS; it is
white where the hole is, as `lacuna eval --save-masks` writes it. The result goes to OUTPUT under the same path, as PNG.
"""
import argparse
import pathlib
import sys
import time

import cv2

EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp"}
METHODS = {"telea": cv2.INPAINT_TELEA, "ns": cv2.INPAINT_NS}


def pictures(folder):
    """The pictures in a folder and below it, by path below it without extension."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in EXTENSIONS and not f.name.startswith("."))
    return {f.relative_to(folder).with_suffix(""): f for f in files}


def read(file, flags):
    picture = cv2.imread(str(file), flags)
    if picture is None:
        sys.exit(f"error: {file}: cannot be read as a picture")
    return picture


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("masks", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--method", choices=METHODS, default="telea", help="default: telea")
    parser.add_argument("--radius", type=float, default=5, help="of the neighbourhood, in pixels; default: 5")
    arguments = parser.parse_args()

    images, masks = pictures(arguments.images), pictures(arguments.masks)
    if not images:
        sys.exit(f"error: {arguments.images}: there is no picture in this folder")
    seconds = 0.0
    for name, file in images.items():
        if name not in masks:
            sys.exit(f"error: {arguments.masks}: there is no mask named {name}")
        image, mask = read(file, cv2.IMREAD_COLOR), read(masks[name], cv2.IMREAD_GRAYSCALE)
        if image.shape[:2] != mask.shape:
            sys.exit(f"error: {masks[name]}: the mask has another size than {file}")
        start = time.perf_counter()
        filled = cv2.inpaint(image, (mask >= 128).astype("uint8"), arguments.radius, METHODS[arguments.method])
        seconds += time.perf_counter() - start
        result = (arguments.output / name).parent / (name.name + ".png")
        result.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(result), filled):
            sys.exit(f"error: {result}: cannot be written")
    print(f"{arguments.method}: {len(images)} pictures, {seconds / len(images):.3f} s each")


if __name__ == "__main__":
    main()
