"""Writes what small jobs work on: `python tiny_inputs.py FOLDER`.

data/ with the set of noise, run/joint with a network, names.txt of its classes, study/ with images
and gaze of one's own.
"""

import pathlib
import shutil
import sys

import finished_stages
import numpy as np
from dotted_sets import DottedNoise
from PIL import Image

_PICTURES = 24


def main(folder: pathlib.Path) -> None:
    """Writes it all."""
    builder = DottedNoise(data_dir=folder / "data")
    builder.download_and_prepare()
    finished_stages.CLASSES = tuple(builder.info.features["label"].names)
    finished_stages.write_stage(folder / "run", "joint")
    shutil.move(folder / "run/names.txt", folder / "names.txt")
    write_study(folder / "study")


def write_study(root: pathlib.Path) -> None:
    """Writes pictures of two classes, each looked at by two people."""
    rng = np.random.default_rng(0)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for number in range(_PICTURES):
        folder = root / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"picture_{number}.png")
        lines += [
            f"picture_{number},{viewer},{index},{rng.uniform(0, 80):.1f},{rng.uniform(0, 60):.1f},9"
            for viewer in range(2)
            for index in range(3)
        ]
    (root / "fixations.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
