"""Prints what an item costs, and how much memory is held, as a data set grows 100 times.

python -m benchmarks.growth                                      (20, 200 and 2,000 tiny images)
python -m benchmarks.growth --images=100                         (100 to 10,000: a longer wait)

A study of `--images` photographs of noise is prepared, read, trained on, evaluated and predicted,
then one of 10 and one of 100 times as many, in one process, by what the commands run: the builder
`gaze_folder`, `pipeline.training_batches`, joint steps, the scoring of tables, and predict.py
without overlays. The networks are as narrow as they get, so that what is around them shows. A first
round of the smallest study warms up and is not counted.

Times are processor time, since other programs disturb that less. "further": what an item costs
beyond those of the next smaller study; what is paid once, as tracing is, is not in it. Memory is
what the process holds once the part is done.
"""

import argparse
import dataclasses
import functools
import gc
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np
import psutil
from PIL import Image

from benchmarks import random_runs
from salclass_tf import config, prediction
from salclass_tf.data import pipeline, sets
from salclass_tf.evaluation.maps.evaluate import TABLE_4
from salclass_tf.evaluation.methods import runs
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables.scoring import score_method
from salclass_tf.model import SalClassNet
from salclass_tf.runs.finished_stage import FinishedStage

_FACTORS = (1, 10, 100)
_PARTS = ("prepare", "read", "train", "evaluate", "predict")
_SETTINGS = {
    "detector": "vgg16",
    "classifier": "vgg16",
    "classifier_options": {"vgg16": {"top": "pool"}},
    "width": 1 / 32,
    "image_size": 32,
    "short_side": 36,
    "precision": "float32",
}
_CLASSES = ("even", "odd")
_BATCH = 4
_FIXATIONS = 8  # on an image
_SPLIT = "train"

Part = Callable[[], object]


def parse() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20, help="of the smallest study")
    return parser.parse_args()


def write_study(folder: pathlib.Path, images: int) -> None:
    """Writes noise of 48 x 40 pixels in two classes, and where somebody looked."""
    rng = np.random.default_rng(0)
    rows = ["stem,viewer,index,x,y,duration_ms"]
    for name in _CLASSES:
        (folder / name).mkdir(parents=True)
    for number in range(images):
        stem = f"{number:06}"
        pixels = rng.integers(0, 256, (40, 48, 3), np.uint8)
        Image.fromarray(pixels).save(folder / _CLASSES[number % 2] / f"{stem}.jpg")
        for index, (x, y) in enumerate(rng.uniform((0, 0), (47, 39), (_FIXATIONS, 2))):
            rows.append(f"{stem},0,{index},{x:.1f},{y:.1f},200")
    (folder / "fixations.csv").write_text("\n".join(rows) + "\n")


def parts(
    found: sets.GazeSet, network: SalClassNet, workdir: pathlib.Path, scratch: pathlib.Path
) -> dict[str, Part]:
    """What is done with the images of a prepared set, by name."""
    stage = FinishedStage(workdir / "joint")
    [method] = runs.from_stage(stage.folder)
    evaluated = EvaluatedSet(found, _SPLIT, stage.geometry)
    model = prediction.load_run(workdir)
    batches = pipeline.training_batches(
        evaluated.source(),
        geometry=stage.geometry,
        sigma_px=found.sigma_px,
        batch_size=_BATCH,
        seed=0,
        epoch=0,
        crops=1,
        mirror="random",
    )
    paths = []
    for number, example in enumerate(evaluated.source()):
        paths.append(scratch / f"{number:06}.jpg")
        paths[-1].write_bytes(example["image"].numpy())
    out = scratch / "out"
    return {
        "read": lambda: [None for _ in batches],
        "train": lambda: network.fit(batches, shuffle=False, verbose=0),
        "evaluate": lambda: score_method(method, evaluated, method.gives, TABLE_4),
        "predict": lambda: prediction.predict(model, paths, out, view="crop", overlays="none"),
    }


def measured(work: Part) -> tuple[float, float, object]:
    """Seconds of processor time, MiB held afterwards, and what came out."""
    gc.collect()
    before = time.process_time()
    found = work()
    seconds = time.process_time() - before
    gc.collect()
    return seconds, psutil.Process().memory_info().rss / 2**20, found


def growing(images: int, scratch: pathlib.Path) -> dict[str, list[tuple[int, float, float]]]:
    """Number of images, seconds and MiB of each part and size."""
    settings = dataclasses.replace(config.build_config(), **_SETTINGS)
    network = random_runs.write(scratch / "run", settings, "gaze_folder", _CLASSES)
    network.compile(optimizer="sgd")
    taken: dict[str, list[tuple[int, float, float]]] = {name: [] for name in _PARTS}
    for number, factor in enumerate((1, *_FACTORS)):
        folder = scratch / str(number)
        write_study(folder / "study", images * factor)
        places = "gaze_folder", str(folder / "sets"), str(folder / "study")
        seconds, held, found = measured(functools.partial(sets.open_set, *places))
        rows = {"prepare": (images * factor, seconds, held)}
        for name, work in parts(found, network, scratch / "run", folder).items():
            rows[name] = (found.size(_SPLIT), *measured(work)[:2])
        if number:
            for name, row in rows.items():
                taken[name].append(row)
    return taken


def main() -> None:
    """Measures, and prints a row for each part and size."""
    given = parse()
    with tempfile.TemporaryDirectory() as name:
        taken = growing(given.images, pathlib.Path(name))
    print("| part | images | CPU s | further, ms an image | to the first | MiB | to the first |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for part, rows in taken.items():
        smaller, first = (0, 0.0), None
        for count, seconds, held in rows:
            further = 1e3 * (seconds - smaller[1]) / (count - smaller[0])
            change = ""
            if smaller[0] and first is None:
                first = further
            elif first is not None:
                change = f"{further / first:.2f}"
            each = f"{further:.2f}" if smaller[0] else ""
            print(
                f"| {part} | {count:,} | {seconds:.2f} | {each} | {change} | {held:.0f} | "
                f"{held / rows[0][2]:.2f} |"
            )
            smaller = count, seconds


if __name__ == "__main__":
    main()
