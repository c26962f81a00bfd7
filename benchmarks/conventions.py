"""Prints what the check of a gaze folder makes of right and wrong coordinates.

python -m benchmarks.conventions --manual_dir=FOLDER   (OSIE's original files)

Each draw is a folder of random pictures of OSIE with a table of their fixations, which are written
down in another way. The check runs on it; the remedy that it prints is put into `recording.json`;
the heat maps of the folder are compared with the true ones. "named" is the share of draws with a
suspicion, "remedy" of those with a text to paste, "choice" of those that offer several and ask
for the true one.
"""

import functools
import json
import os
import pathlib
import re
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
from absl import app, flags

from salclass_tf import heatmaps
from tfds_builders.common import scanpaths
from tfds_builders.gaze_folder import report, study

_MANUAL_DIR = flags.DEFINE_string("manual_dir", None, "OSIE's original files", required=True)
_IMAGES = flags.DEFINE_integer("images", 10, "pictures in a folder")
_DRAWS = flags.DEFINE_integer("draws", 20, "folders of each kind")
_RIGHT_DRAWS = flags.DEFINE_integer("right_draws", 200, "folders with right coordinates")
_ONLY = flags.DEFINE_list("only", None, "kinds to try; default: all")

_SIZE, _SIGMA_PX = (600, 800), 24.0
_REMEDY = re.compile(r'Add to recording\.json: ("coordinates": \{.*?\})')

Way = Callable[[np.ndarray, np.ndarray], Sequence[np.ndarray]]

RIGHT = "right"
WAYS: dict[str, Way] = {
    RIGHT: lambda x, y: (x, y),
    "counts from 1": lambda x, y: (np.ceil(x + 0.5), np.ceil(y + 0.5)),
    "y upwards": lambda x, y: (x, 600 - y),
    "mirrored": lambda x, y: (800 - x, y),
    "turned": lambda x, y: (800 - x, 600 - y),
    "swapped": lambda x, y: (y, x),
    "shares": lambda x, y: (x / 800, y / 600),
    "shares, y upwards": lambda x, y: (x / 800, 1 - y / 600),
    "percent": lambda x, y: (x / 8, y / 6),
    "centre, y downwards": lambda x, y: (x - 400, y - 300),
    "centre, y upwards": lambda x, y: (x - 400, 300 - y),
    "norm": lambda x, y: (x / 400 - 1, 1 - y / 300),
    "height": lambda x, y: ((x - 400) / 600, (300 - y) / 600),
    "1920 x 1080, inside": lambda x, y: (1.8 * x + 240, 1.8 * y),
    "1920 x 1080, stretched": lambda x, y: (2.4 * x, 1.8 * y),
    "1920 x 1080, actual": lambda x, y: (x + 560, y + 240),
    "1280 x 1024, actual": lambda x, y: (x + 240, y + 212),
    "shares of a screen": lambda x, y: ((1.8 * x + 240) / 1920, 1.8 * y / 1080),
    "twice": lambda x, y: (2 * x, 2 * y),
    "half": lambda x, y: (x / 2, y / 2),
    "1.3 times": lambda x, y: (1.3 * x, 1.3 * y),
    "shifted (100, 50)": lambda x, y: (x + 100, y + 50),
    "shifted (-60, 30)": lambda x, y: (x - 60, y + 30),
    "both": lambda x, y: (1.37 * x + 111, 1.2 * y - 40),
}
NEXT = "next picture's"


@functools.cache
def osie() -> tuple[pathlib.Path, dict[str, scanpaths.Scanpaths]]:
    """The folder of the pictures, and fixations by file name."""
    root = pathlib.Path(_MANUAL_DIR.value)
    return root / "data/stimuli", scanpaths.read_scanpaths(root / "data/eye/fixations.mat")


def write_study(root: pathlib.Path, names: Sequence[str], way: Way, step: int) -> None:
    """Writes a folder; each picture gets the gaze of the one `step` places further on."""
    stimuli, gaze = osie()
    lines = ["stem,viewer,index,x,y,duration_ms"]
    (root / "images").mkdir()
    for place, name in enumerate(names):
        os.symlink(stimuli / name, root / "images" / name)
        found = gaze[names[(place + step) % len(names)]]
        x, y = way(found.x, found.y)
        order = np.concatenate([np.arange(n) for n in np.bincount(found.viewer)])
        rows = zip(found.viewer, order, x, y, found.duration_ms, strict=True)
        lines += [f"{name},{v},{i},{a!r},{b!r},{d!r}" for v, i, a, b, d in rows]
    text = "\n".join(lines).replace("np.float64(", "").replace(")", "")
    (root / "fixations.csv").write_text(text)


def likeness(root: pathlib.Path, names: Sequence[str]) -> float:
    """Least correlation of the heat maps of a folder with the true ones."""
    _, gaze = osie()
    found = study.open_study(root).gaze.by_stem
    least = 1.0
    for name in names:
        maps = [
            heatmaps.from_fixations(_inside(points), _SIZE, _SIGMA_PX)
            for points in (gaze[name], found[name.removesuffix(".jpg")])
        ]
        least = min(least, float(np.corrcoef(*(np.ravel(one) for one in maps))[0, 1]))
    return least


def _inside(points: scanpaths.Scanpaths) -> np.ndarray:
    inside = (points.x >= 0) & (points.x < 800) & (points.y >= 0) & (points.y < 600)
    return np.stack([points.x[inside], points.y[inside]], axis=1)


def draw(generator: np.random.Generator, way: Way, step: int) -> tuple[list[str], float, str]:
    """Runs the check once; returns suspicions, likeness after the remedy, and its text."""
    _, gaze = osie()
    names = sorted(generator.choice(list(gaze), _IMAGES.value, replace=False))
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write_study(root, names, way, step)
        suspicions = report.examine(study.open_study(root)).suspicions
        remedy = _REMEDY.search(" ".join(suspicions))
        if not remedy:
            return list(suspicions), np.nan, ""
        (root / "recording.json").write_text("{" + remedy.group(1) + "}")
        json.loads((root / "recording.json").read_text())
        return list(suspicions), likeness(root, names), remedy.group(1)


def measure(kind: str) -> None:
    """Prints the row of one kind of folder."""
    generator = np.random.default_rng(0)
    way, step = (WAYS[RIGHT], 1) if kind == NEXT else (WAYS[kind], 0)
    draws = _RIGHT_DRAWS.value if kind == RIGHT else _DRAWS.value
    found = [draw(generator, way, step) for _ in range(draws)]
    named = np.mean([bool(texts) for texts, *_ in found])
    like = np.array([value for _, value, remedy in found if remedy])
    choice = np.mean(["what is true of the recording" in " ".join(texts) for texts, *_ in found])
    row = f"{kind:24}{draws:6}{named:8.1%}{len(like) / draws:8.1%}{choice:8.1%}"
    if len(like):
        row += f"{np.median(like):8.3f}{like.min():8.3f}{np.mean(like >= 0.99):8.1%}"
    print(row, flush=True)
    if kind == RIGHT:
        for text in [text for texts, *_ in found for text in texts]:
            print(f"  {text}")


def main(_: list[str]) -> None:
    """Prints a row for each kind."""
    print(f"{_IMAGES.value} pictures; heat maps with a sigma of {_SIGMA_PX:g} pixels")
    columns = ("draws", "named", "remedy", "choice", "CC", "least", ">= .99")
    print(f"{'':24}{columns[0]:>6}" + "".join(f"{name:>8}" for name in columns[1:]))
    for kind in _ONLY.value or [*WAYS, NEXT]:
        measure(kind)


if __name__ == "__main__":
    app.run(main)
