#!/usr/bin/env python3
"""Measures fills beside the classical methods, and renews docs/results.md (needs OpenCV's Python module and numpy).

    results.py [--scenes FOLDER]     renews docs/results.md and its pictures: once a new model is in models/, this is all.
                                     Photographs of two Debian packages, and if named a folder of others for figures
                                     alone, which go into the model card, models/README.md, too
    results.py PHOTO|FOLDER...       prints the table for photographs of yours

Each photograph gets one hole of 128x128 whose corner is drawn by numpy.random.RandomState(SEED).randint(16, H - 143) and
the same for the width, in the order of the photographs, a folder's by name. The holes are filled by the model, by Lacuna's
patchmatch and mean, and by OpenCV's two methods, and `lacuna eval` measures them all.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE, CARD, IMAGES = ROOT / "docs/results.md", ROOT / "models/README.md", ROOT / "docs/images"
BACKGROUNDS = pathlib.Path("/usr/share/backgrounds")
PACKAGES = ("mate-backgrounds", "lomiri-wallpapers-16.04")
PACKAGED = [BACKGROUNDS / name for name in (
    "aitzgorri_by_Aitzol_Berasategi.jpg", "life_by_Aitzol_Berasategi.jpg", "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "seeding_by_Clements_Engelhardt.jpg", "sunset_by_Aitzol_Berasategi.jpg", "mate/nature/Dune.jpg",
    "mate/nature/GreenMeadow.jpg", "mate/nature/Storm.jpg")]  # fmt: skip
EXTENSIONS = {".png", ".jpg", ".jpeg", ".bmp"}
HOLE, MARGIN = 128, 16
SHOWN, QUALITY = 168, 88  # the side of a picture in the sheet, of JPEG files
OPENCV = {"Telea": "telea", "Navier-Stokes": "ns"}
SHEET = ["Lacuna", "patchmatch", "Telea", "Navier-Stokes"]
COLUMNS = [("hole_l1", "hole L1 %", 2), ("hole_psnr", "hole PSNR dB", 2), ("psnr", "PSNR dB", 2), ("ssim", "SSIM", 3),
           ("hole_tv", "hole TV %", 2)]  # fmt: skip


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
        picture = cv2.resize(picture[top : top + side, left : left + side], (square, square), interpolation=cv2.INTER_AREA)
    if min(picture.shape[:2]) < HOLE + 2 * MARGIN:
        sys.exit(f"error: {file}: is too small for a hole of {HOLE}x{HOLE}")
    return picture


def write_cases(sources, square, seed, images, masks):
    """The photographs as PNG and a mask for each, white in the hole."""
    random = np.random.RandomState(seed)
    for folder in (images, masks):
        folder.mkdir(parents=True, exist_ok=True)
    for file in photographs(sources):
        picture = read(file, square)
        height, width = picture.shape[:2]
        top, left = random.randint(MARGIN, [height - HOLE - MARGIN + 1, width - HOLE - MARGIN + 1])
        mask = np.zeros((height, width), np.uint8)
        mask[top : top + HOLE, left : left + HOLE] = 255
        cv2.imwrite(str(images / f"{file.stem}.png"), picture)
        cv2.imwrite(str(masks / f"{file.stem}.png"), mask)


def measure(arguments, sources, square, work):
    """What lacuna eval says in JSON; its report and all fills are in `work`."""
    images, masks = work / "images", work / "masks"
    write_cases(sources, square, arguments.seed, images, masks)
    command = [arguments.lacuna, "eval", "--images", "images", "--masks", "masks", "--model",
               f"Lacuna={pathlib.Path(arguments.model).resolve()}", "--baseline", "patchmatch", "--baseline", "mean"]  # fmt: skip
    seconds = {}
    for name, method in OPENCV.items():
        done = subprocess.run([sys.executable, ROOT / "bench/peers/opencv_inpaint.py", images, masks, work / name, "--method",
                               method], check=True, capture_output=True, text=True)  # fmt: skip
        seconds[name] = float(re.search(r"([\d.]+) s each", done.stdout)[1])
        command += ["--filled", f"{name}={name}"]
    command += ["--save", "fills", "--json", "figures.json", "--report", "report.html"]
    if arguments.run:
        command += ["--run", arguments.run.resolve()]
    done = subprocess.run(list(map(str, command)), cwd=work, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(1)
    figures = json.loads((work / "figures.json").read_text())
    for method in figures["methods"]:
        name = method["method"]
        printed = re.search(rf"^{re.escape(name)} +([\d.]+) ", done.stdout, re.M)  # after the name, the time
        method["seconds_each"] = seconds.get(name) or float(printed[1])
    return figures


def table(figures):
    """Means by method as Markdown, the best of each column bold; for TV that is the one nearest to the originals."""
    methods, truth = figures["methods"], figures["originals"]["mean"]["hole_tv"]
    lines = ["| fill |" + "".join(f" {title} |" for _, title, _ in COLUMNS) + " s / picture |", "|---" * (len(COLUMNS) + 2) + "|"]
    best = {}
    for name, _, digits in COLUMNS:
        errors = [round(m["mean"][name], digits) * (1 if name == "hole_l1" else -1) for m in methods]
        if name == "hole_tv":
            errors = [abs(round(m["mean"][name], digits) - round(truth, digits)) for m in methods]
        best[name] = min(errors), errors
    for k, method in enumerate(methods):
        cells = []
        for name, _, digits in COLUMNS:
            least, errors = best[name]
            value = f"{method['mean'][name]:.{digits}f}"
            cells.append(f"**{value}**" if errors[k] == least else value)
        each = method["seconds_each"]
        lines.append(f"| {method['method']} | " + " | ".join(cells) + f" | {each:.3f} |")
    lines.append("| the originals |" + " |" * (len(COLUMNS) - 1) + f" {truth:.2f} | |")
    return "\n".join(lines)


def comparison(figures):
    """On how many pictures the model is nearer to what was there, and how much texture the fills have."""
    methods, truth = figures["methods"], figures["originals"]["mean"]["hole_tv"]
    model, others = methods[0], methods[1:]
    count = len(model["pictures"])
    wins = [(sum(a["hole_l1"] < b["hole_l1"] for a, b in zip(model["pictures"], other["pictures"])), other["method"])
            for other in others]  # fmt: skip
    texture = [f"{100 * m['mean']['hole_tv'] / truth:.0f} % ({m['method']})" for m in methods if m["method"] != "mean"]
    return (f"By L1 in the hole, {model['method']} is nearer to what was there than " +
            ", ".join(f"{name} on {n}" for n, name in wins) + f" of {count} pictures. "
            f"Of the originals' total variation the fills have {', '.join(texture)}.")  # fmt: skip


def labelled(picture, text):
    """The picture below a line of text."""
    head = np.full((26, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(head, text, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([head, picture])


def write_sheet(path, work):
    """A row a photograph: with its hole, filled by each method, the original."""
    rows = []
    for file in sorted((work / "images").iterdir()):
        original, mask = cv2.imread(str(file)), cv2.imread(str(work / "masks" / file.name), cv2.IMREAD_GRAYSCALE)
        row = [np.where(mask[..., None] > 0, 255, original).astype(np.uint8)]
        row += [cv2.imread(str(work / "fills" / name / file.name)) for name in SHEET] + [original]
        row = [cv2.resize(p, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA) for p in row]
        row = [cv2.copyMakeBorder(p, 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for p in row]
        if not rows:
            row = [labelled(p, text) for p, text in zip(row, ["hole", *SHEET, "original"])]
        rows.append(np.hstack(row))
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def write_screenshot(path, page, work):
    """The top of the report, as Chromium shows it."""
    shot = work / "report.png"
    command = [shutil.which("chromium"), "--headless", "--disable-gpu", "--hide-scrollbars", "--window-size=1160,1560",
               "--virtual-time-budget=3000", f"--screenshot={shot}", page.resolve().as_uri()]  # fmt: skip
    if command[0] is None:
        print(f"{path.relative_to(ROOT)} stays as it is: the program chromium is missing, which takes its picture")
        return
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cv2.imwrite(str(path), cv2.imread(str(shot)), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def replace_part(page, name, content):
    """Replaces what stands between the part's two marks."""
    text = page.read_text()
    marks = f"<!-- {name}: written by bench/results.py -->", f"<!-- end of {name} -->"
    begin, end = text.find(marks[0]), text.find(marks[1])
    if begin < 0 or end < begin:
        sys.exit(f"error: {page}: the marks of the part '{name}' are missing: {marks[0]} and {marks[1]}")
    page.write_text(text[: begin + len(marks[0])] + "\n" + content + "\n" + text[end:])
    print(f"written: {page.relative_to(ROOT)}, {name}")


def of_model(arguments):
    info = subprocess.run([arguments.lacuna, "info", arguments.model], check=True, capture_output=True, text=True).stdout
    field = lambda name: (re.search(rf"^{name} +(.*)$", info, re.M) or [None, "unknown"])[1]
    return f"Model: cnum {field('cnum')}, step {field('step')} of its last stage, trained on {field('trained_on')}."


def renew_pages(arguments, work):
    missing = [str(f) for f in PACKAGED if not f.is_file()]
    if missing:
        sys.exit(f"error: {missing[0]} is missing; install it by: scripts/setup.sh {' '.join(PACKAGES)}")
    replace_part(PAGE, "model", of_model(arguments))
    packaged = measure(arguments, PACKAGED, 256, work / "packaged")
    replace_part(PAGE, "packaged", table(packaged) + "\n\n" + comparison(packaged))
    write_sheet(IMAGES / "results.jpg", work / "packaged")
    write_screenshot(IMAGES / "report.jpg", work / "packaged/report.html", work)
    if arguments.scenes:
        scenes = measure(arguments, [arguments.scenes], 0, work / "scenes")
        for page in (PAGE, CARD):
            replace_part(page, "scenes", table(scenes) + "\n\n" + comparison(scenes))
    else:
        print("the tables of the scenes stay as they are: name their folder by --scenes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path, nargs="*", help="photographs or folders of them")
    parser.add_argument("--scenes", type=pathlib.Path, help="a folder of 256x256 photographs, for the page's other table")
    parser.add_argument("--square", type=int, default=0, help="reduce each photograph's middle to a square of that side")
    parser.add_argument("--seed", type=int, default=2018, help="of the holes' places; default: 2018")
    parser.add_argument("--lacuna", type=lambda f: pathlib.Path(f).resolve(), default=ROOT / "build/release/lacuna",
                        help="the program; default: %(default)s")  # fmt: skip
    parser.add_argument("--model", default=str(ROOT / "models/lacuna.safetensors"), help="default: the shipped one")
    parser.add_argument("--run", type=pathlib.Path, help="the run that made the model: its loss curves go into the reports")
    parser.add_argument("--work", type=pathlib.Path, help="keep pictures, masks, fills and reports in this folder")
    parser.add_argument("--sheet", type=pathlib.Path, help="write all photographs and fills side by side to this picture")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or pathlib.Path(temporary)
        if not arguments.photos:
            renew_pages(arguments, work)
            return
        figures = measure(arguments, arguments.photos, arguments.square, work)
        print(table(figures) + "\n\n" + comparison(figures))
        if arguments.sheet:
            write_sheet(arguments.sheet, work)


if __name__ == "__main__":
    main()
