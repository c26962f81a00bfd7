"""Prints what an item costs, and how much memory is held, as a data set grows 100 times.

python -m benchmarks.growth                                      (20, 200 and 2,000 tiny images)
python -m benchmarks.growth --images=100                         (100 to 10,000: a longer wait)

A study of `--images` photographs of noise is prepared, read, trained on, evaluated and predicted,
and so are one of 10 and one of 100 times as many, in one process, by what the commands run: the
builder `gaze_folder`, `pipeline.training_batches`, joint steps, the scoring of tables, and
predict.py without overlays. The networks are as narrow as they get, so that what is around them
shows.

They take turns, five each: in a turn the two smaller ones come before the largest and after it,
since the speed of a machine moves. Times are processor time. "further": what an item costs beyond
those of the next smaller study in the same turn; what is paid once, as tracing is, is not in it.
Medians of the turns, and from the least to the most. Memory is what the process holds once the part
is done the first time.
"""

import argparse
import dataclasses
import gc
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np
import psutil
from PIL import Image
from tqdm import tqdm

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
_TURNS = 5
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


@dataclasses.dataclass(frozen=True)
class Study:
    """A study, prepared.

    Attributes:
        images: how many photographs it has.
        read: how many of them are in its training split, which all parts but "prepare" go through.
        parts: what is done with them, by name.
    """

    images: int
    read: int
    parts: dict[str, Part]

    def items(self, part: str) -> int:
        """How many images a part goes through."""
        return self.images if part == "prepare" else self.read


def open_study(
    images: int, network: SalClassNet, workdir: pathlib.Path, scratch: pathlib.Path
) -> Study:
    """Writes and prepares a study."""
    write_study(scratch / "study", images)

    def prepared() -> sets.GazeSet:
        folder = tempfile.mkdtemp(dir=scratch)
        return sets.open_set("gaze_folder", folder, str(scratch / "study"))

    found = prepared()
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
    parts = {
        "prepare": prepared,
        "read": lambda: [None for _ in batches],
        "train": lambda: network.fit(batches, shuffle=False, verbose=0),
        "evaluate": lambda: score_method(method, evaluated, method.gives, TABLE_4),
        "predict": lambda: prediction.predict(model, paths, out, view="crop", overlays="none"),
    }
    return Study(images, found.size(_SPLIT), parts)


def measured(work: Part) -> tuple[float, float]:
    """Seconds of processor time, and MiB held afterwards."""
    gc.collect()
    before = time.process_time()
    work()
    seconds = time.process_time() - before
    gc.collect()
    return seconds, psutil.Process().memory_info().rss / 2**20


def in_turns(works: Sequence[Part], turns: int, name: str) -> tuple[np.ndarray, list[float]]:
    """Lets a part of each study take turns, after one turn to warm up.

    Args:
        works: the part of each study, the largest last.
        turns: how many are counted.
        name: of the part, for the progress bar.

    Returns:
        Seconds [turns, studies], and the MiB that were held the first time [studies].
    """
    order = [*range(len(works)), *reversed(range(len(works) - 1))]
    seconds = np.zeros((turns, len(works)))
    held: dict[int, float] = {}
    for turn in tqdm(range(-1, turns), desc=name, leave=False, disable=None):
        for place in order:
            taken, mib = measured(works[place])
            held.setdefault(place, mib)
            if turn >= 0:
                seconds[turn, place] += taken / order.count(place)
    return seconds, [held[place] for place in range(len(works))]


def table(part: str, items: Sequence[int], seconds: np.ndarray, held: Sequence[float]) -> list[str]:
    """The lines about a part, a study each.

    Args:
        part: its name.
        items: images of each study.
        seconds: [turns, studies].
        held: MiB [studies].
    """
    further = 1e3 * np.diff(seconds) / np.diff(items)
    lines = []
    for place, count in enumerate(items):
        each = f"{np.median(further[:, place - 1]):.2f}" if place else ""
        change = _with_range(further[:, place - 1] / further[:, 0]) if place > 1 else ""
        lines.append(
            f"| {part} | {count:,} | {np.median(seconds[:, place]):.2f} | {each} | {change} | "
            f"{held[place]:.0f} | {held[place] / held[0]:.2f} |"
        )
    return lines


def _with_range(values: np.ndarray) -> str:
    """The median, and the least and the most."""
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"


def main() -> None:
    """Measures, and prints a row for each part and size."""
    given = parse()
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        settings = dataclasses.replace(config.build_config(), **_SETTINGS)
        network = random_runs.write(scratch / "run", settings, "gaze_folder", _CLASSES)
        network.compile(optimizer="sgd")
        studies = [
            open_study(given.images * factor, network, scratch / "run", scratch / str(factor))
            for factor in _FACTORS
        ]
        print(
            "| part | images | CPU s | further, ms an image | to the first | MiB | to the first |\n"
            "|---|--:|--:|--:|--:|--:|--:|"
        )
        for part in studies[0].parts:
            works = [study.parts[part] for study in studies]
            items = [study.items(part) for study in studies]
            print("\n".join(table(part, items, *in_turns(works, _TURNS, part))), flush=True)


if __name__ == "__main__":
    main()
