"""Prints how near predict.py and evaluate.py come to the speed of the network that they run.

python -m benchmarks.end_to_end --workdir=runs/demo --images=64
python -m benchmarks.end_to_end --preset=paper --images=6 --turns=3          (random weights)

Both sides take turns in one process, on the first test images of a prepared set. "bare" is the
network alone: prepared crops in memory, asked in the batches of the command, and with whole images
the detector on each of them. "whole" is the command without its start: files are read, decoded and
cut; maps and overlays drawn, compressed and written; or scores computed. The ratio is bare / whole,
of the turns' medians: 1 would be a command that costs no more than its network. In processor time,
which other programs disturb less, nothing can be hidden behind the network.
"""

import argparse
import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks import random_runs
from salclass_tf import config, prediction
from salclass_tf.data import pipeline, sets
from salclass_tf.evaluation.maps.evaluate import TABLE_4
from salclass_tf.evaluation.methods import runs
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables.scoring import score_method
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.serving import exports

_BATCH = 8  # of predict.py, where nothing else is said

Work = Callable[[], object]


def parse() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", help="a run; without one, random weights of the preset")
    parser.add_argument("--stage", default="joint")
    parser.add_argument("--preset", default="demo", choices=("demo", "paper"))
    parser.add_argument("--dataset", default="gaze_critters/task")
    parser.add_argument("--data_dir")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--views", nargs="+", default=["whole", "crop"], choices=("whole", "crop"))
    parser.add_argument("--overlays", nargs="+", default=["png", "jpeg", "none"])
    return parser.parse_args()


def write_files(found: sets.GazeSet, split: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes the images of a split as they are stored."""
    folder.mkdir()
    paths = []
    for number, example in enumerate(pipeline.open_split(found.builder, split)):
        paths.append(folder / f"{number:06}.img")
        paths[-1].write_bytes(example["image"].numpy())
    return paths


def predicting(
    stage: FinishedStage, paths: list[pathlib.Path], view: str, out: pathlib.Path
) -> tuple[Work, Callable[[str], Work]]:
    """The network alone, and the command with a kind of overlays."""
    model = prediction.load_run(stage.folder.parent, stage.name)
    forward = exports.frozen_twin(stage, "float32")
    encoded = [path.read_bytes() for path in paths]
    images = [tf.io.decode_image(one, 3, expand_animations=False) for one in encoded]
    side = stage.geometry.image_size
    crops = tf.zeros([len(paths), side, side, 3], tf.uint8)

    def bare() -> None:
        for start in range(0, len(paths), _BATCH):
            if view == "crop" or model.top_k:
                np.asarray(next(iter(forward(crops[start : start + _BATCH]).values())))
            if view == "whole":
                for image in images[start : start + _BATCH]:
                    model.whole(image).numpy()

    def command(overlays: str) -> Work:
        return lambda: prediction.predict(model, paths, out, view=view, overlays=overlays)

    return bare, command


def evaluating(stage: FinishedStage, dataset: EvaluatedSet) -> tuple[Work, Work]:
    """The network alone, and what the tables are made of."""
    [method] = runs.from_stage(stage.folder)
    loaded = method.load(dataset)
    ready = dataclasses.replace(method, load=lambda _: loaded)
    batches = list(dataset.batches())

    def bare() -> None:
        for batch in batches:
            loaded(batch)

    def command() -> None:
        score_method(ready, dataset, method.gives, TABLE_4)

    return bare, command


def timed(work: Work) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - before[0], time.process_time() - before[1]


def measured(bare: Work, commands: dict[str, Work], turns: int, images: int) -> None:
    """Runs a network and its commands in turns, after one that warms up; prints their rows."""
    sides = {"": bare} | commands
    times = [{name: timed(work) for name, work in sides.items()} for _ in range(turns + 1)][1:]
    rows = {name: np.array([turn[name] for turn in times]) for name in sides}
    alone = np.median(rows[""], axis=0)
    for name in commands:
        ratios = rows[""][:, 0] / rows[name][:, 0]
        wall, cpu = np.median(rows[name], axis=0)
        speeds = f"{images / alone[0]:.1f} | {images / wall:.1f} | **{np.median(ratios):.2f}**"
        print(
            f"| {name} | {speeds} | {ratios.min():.2f}, {ratios.max():.2f} "
            f"| {1e3 * alone[1] / images:.1f} | {1e3 * cpu / images:.1f} | {alone[1] / cpu:.2f} |",
            flush=True,
        )


def main() -> None:
    """Measures and prints."""
    given = parse()
    found = sets.open_set(given.dataset, given.data_dir)
    split = f"{found.split('test')}[:{given.images}]"
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        workdir = pathlib.Path(given.workdir or scratch / "run")
        if not given.workdir:
            settings = config.build_config(given.preset)
            random_runs.write(workdir, settings, found.builder.info.full_name, found.class_names)
        stage = FinishedStage(workdir / given.stage).require_finished()
        paths = write_files(found, split, scratch / "images")
        dataset = EvaluatedSet(found, split, stage.geometry)
        image = tf.io.decode_image(paths[0].read_bytes(), 3, expand_animations=False)
        print(f"{len(paths)} images of {found.title}, the first of {image.shape[:2]} pixels\n")
        print("| | bare, images/s | whole, images/s | ratio | least, most | ", end="")
        print("bare, CPU ms an image | whole | ratio |\n|---|--:|--:|--:|--:|--:|--:|--:|")
        for view in given.views:
            bare, command = predicting(stage, paths, view, scratch / "out")
            commands = {f"predict.py --view={view} --overlays={x}": x for x in given.overlays}
            works = {name: command(kind) for name, kind in commands.items()}
            measured(bare, works, given.turns, len(paths))
        bare, command = evaluating(stage, dataset)
        measured(bare, {"evaluate.py --view=crop": command}, given.turns, len(paths))


if __name__ == "__main__":
    main()
