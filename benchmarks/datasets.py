"""Prints how fast OSIE is built, and how many training views a second are read from it.

python -m benchmarks.datasets --manual_dir=FOLDER   (OSIE's original files)
python -m benchmarks.datasets                       (generated ones of the same size)

Reading means: decode, resize, render the heat map, cut ten views of 299 pixels of each image. The
input pipeline is compared with plain ways, which do all of that once for every view, as code does
that is written for one view: two of tf.data, one with this package's matrix product, one that
blurs the counts of fixations by convolutions; and, where torch is installed, a DataLoader with
Pillow and SciPy. All take turns, so that a ratio is one of neighbouring minutes.
"""

import importlib.util
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import PIL.Image
import scipy.io
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import app, flags

import tfds_builders  # noqa: F401  registers the names of the gaze sets
from benchmarks import plain_views, torch_views
from salclass_tf import heatmaps
from salclass_tf.data import pipeline
from salclass_tf.data.geometry import Geometry

_MANUAL_DIR = flags.DEFINE_string("manual_dir", None, "OSIE's original files; default: generated")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "views in a batch")
_SECONDS = flags.DEFINE_float("seconds", 10.0, "how long each way is measured in a round")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "rounds in which all ways take turns")

_GEOMETRY = Geometry()
_BUILD_TARGET = 60  # images a second and core
_READ_TARGET = 250  # views a second on two cores
_OURS = "salclass_tf.data.pipeline"


def generate(root: pathlib.Path, images: int = 140) -> None:
    """Writes files in OSIE's layout: JPEGs of 800 x 600 and about 150 kB, 140 fixations each."""
    rng = np.random.default_rng(0)
    (root / "data/eye").mkdir(parents=True)
    (root / "data/stimuli").mkdir()
    cells = np.empty((images, 1), object)
    for number in range(images):
        name = f"{1001 + number}.jpg"
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (75, 100, 3), np.uint8))
        picture = coarse.resize((800, 600), PIL.Image.Resampling.BICUBIC)
        picture.save(root / "data/stimuli" / name, quality=90)
        viewer = {
            "fix_x": rng.uniform(1, 800, (1, 140)),
            "fix_y": rng.uniform(1, 600, (1, 140)),
            "fix_duration": np.full((1, 140), 200, np.uint16),
        }
        subjects = np.empty((1, 1), object)
        subjects[0, 0] = viewer
        cells[number, 0] = {"img": name, "subjects": subjects}
    scipy.io.savemat(root / "data/eye/fixations.mat", {"fixations": cells})


def build(manual_dir: pathlib.Path, data_dir: pathlib.Path) -> tfds.core.DatasetBuilder:
    """Builds OSIE, and prints its rate and the peak memory."""
    before = peak_megabytes()
    builder = tfds.builder("osie", data_dir=data_dir)
    wall, processor = time.perf_counter(), time.process_time()
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual_dir))
    )
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    images = builder.info.splits.total_num_examples
    print(f"build: {images} images in {wall:.1f} s, {processor:.1f} s of processor time")
    rate = images / processor
    print(f"{rate:.0f} images a second and core, {rate / _BUILD_TARGET:.1f} of {_BUILD_TARGET}")
    print(f"peak memory {peak_megabytes():.0f} MB, {before:.0f} of them before\n")
    return builder


def peak_megabytes() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def tensorflow_ways(builder: tfds.core.DatasetBuilder) -> dict[str, tf.data.Dataset]:
    """Training batches of the package and of the plain ways, by name."""
    source, sigma_px = pipeline.open_split(builder, "train"), builder.info.metadata["sigma_px"]
    ours = pipeline.training_batches(
        source,
        geometry=_GEOMETRY,
        sigma_px=sigma_px,
        batch_size=_BATCH_SIZE.value,
        seed=0,
        epoch=0,
    )
    renderers = {"matrix product": heatmaps.render, "convolutions": plain_views.blur}
    plain = {
        f"plain tf.data, {name}": plain_views.batches(
            source, _GEOMETRY, sigma_px, render, _BATCH_SIZE.value
        )
        for name, render in renderers.items()
    }
    return {_OURS: ours} | plain


def views_per_second(batches: tf.data.Dataset) -> float:
    """Returns the steady rate, from the first batch on."""
    iterator = iter(batches.repeat())
    next(iterator)
    start, views = time.perf_counter(), 0
    while time.perf_counter() - start < _SECONDS.value:
        views += len(next(iterator)["image"])
    return views / (time.perf_counter() - start)


def torch_way(builder: tfds.core.DatasetBuilder, folder: pathlib.Path) -> Callable[[], float]:
    """Writes the training images for PyTorch; returns what measures it."""
    images, xy = [], []
    for example in pipeline.open_split(builder, "train").as_numpy_iterator():
        images.append(str(folder / f"{len(images)}.jpg"))
        pathlib.Path(images[-1]).write_bytes(example["image"])
        xy.append(np.stack([example["fixations"]["x"], example["fixations"]["y"]], axis=1))
    torch_views.save(folder / "views.npz", images, xy)
    command = [sys.executable, "-m", "benchmarks.torch_views", str(folder / "views.npz")]
    command += [f"--sigma_px={builder.info.metadata['sigma_px']}", f"--seconds={_SECONDS.value}"]
    command += [f"--batch_size={_BATCH_SIZE.value}", f"--workers={len(os.sched_getaffinity(0))}"]
    return lambda: float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def read(builder: tfds.core.DatasetBuilder, folder: pathlib.Path) -> None:
    """Measures all ways in turns and prints the table."""
    ways = {
        name: lambda batches=batches: views_per_second(batches)
        for name, batches in tensorflow_ways(builder).items()
    }
    if importlib.util.find_spec("torch"):
        ways["PyTorch DataLoader"] = torch_way(builder, folder)
    rates = {name: [] for name in ways}
    for _ in range(_ROUNDS.value):
        for name, measure in ways.items():
            rates[name].append(measure())
    medians = {name: statistics.median(found) for name, found in rates.items()}
    print(f"read: {plain_views.VIEWS} views of each image, {_ROUNDS.value} rounds, median")
    print(f"{'':32}{'views/s':>8}{'least':>8}{'most':>8}{f'of {_READ_TARGET}':>8}{'ours is':>10}")
    for name, rate in medians.items():
        least, most = min(rates[name]), max(rates[name])
        print(f"{name:32}{rate:8.1f}{least:8.1f}{most:8.1f}", end="")
        print(f"{rate / _READ_TARGET:8.2f}{medians[_OURS] / rate:8.1f} x")


def main(_: list[str]) -> None:
    """Builds, then reads."""
    tfds.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        manual_dir = pathlib.Path(_MANUAL_DIR.value) if _MANUAL_DIR.value else folder / "osie"
        if not _MANUAL_DIR.value:
            generate(manual_dir)
        read(build(manual_dir, folder / "sets"), folder)


if __name__ == "__main__":
    app.run(main)
