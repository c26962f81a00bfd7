"""Prints how long the scores of a data set take, beside other ways to have the same scores.

python -m benchmarks.metrics --against=247be46 --pysaliency_python=PATH

928 maps of 500 x 375 pixels with three to nine fixations each: shuffled AUC, NSS, CC and
AUC-Judd. Maps are made once, float32, and lie in a file that every way reads. Every way runs in
a process of its own, in turns, and its quickest round counts; imports and compilation do not.
The loop is what the definitions say in float64, for one image and one threshold at a time; it runs
on a few of the images and its time is multiplied up. pysaliency runs in the environment whose
Python is named. The second table is `human.leave_one_out`: every viewer's fixations against the
map of all others'. Wall time counts where nothing else runs; processor time can be compared on a
busy machine, too.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tracemalloc
import unittest.mock
from collections.abc import Callable
from concurrent import futures

import numpy as np

_MEASURES = ("shuffled_auc", "nss", "cc", "auc_judd")
_SIZE = (375, 500)
_SIGMA = 20.0  # pixels, of the true maps
_VIEWERS, _VIEWED_SIZE, _VIEWED_IMAGES, _VIEWED_SIGMA = 15, (600, 800), 700, 24.0  # as in OSIE
_ROOT = pathlib.Path(__file__).resolve().parents[1]

Answers = dict[str, np.ndarray]


def make(folder: pathlib.Path, images: int) -> None:
    """Writes predictions and true maps, float32 [images, 2, h, w], and the fixations."""
    import scipy.ndimage

    rng = np.random.default_rng(0)
    noise = [scipy.ndimage.gaussian_filter(rng.random(_SIZE), _SIGMA) for _ in range(8)]
    counts = rng.integers(3, 10, images)
    # Whole pixels: the builds that are compared round fractions in different ways.
    xy = np.floor(rng.random((counts.sum(), 2)) * _SIZE[::-1])
    np.savez(folder / "fixations.npz", counts=counts, xy=xy)
    shape = (images, 2, *_SIZE)
    maps = np.lib.format.open_memmap(folder / "maps.npy", "w+", np.float32, shape)
    for index, points in enumerate(np.split(xy, np.cumsum(counts)[:-1])):
        x, y = points.T[..., np.newaxis]
        rows = np.exp(-0.5 * ((np.arange(_SIZE[0]) - y) / _SIGMA) ** 2)
        columns = np.exp(-0.5 * ((np.arange(_SIZE[1]) - x) / _SIGMA) ** 2)
        maps[index, 0] = np.roll(noise[index % 8], (37 * index, 53 * index), axis=(0, 1))
        maps[index, 1] = rows.T @ columns


class Material:
    """The same maps and fixations for everyone.

    Args:
        folder: what `make` has written.
    """

    def __init__(self, folder: pathlib.Path):
        self.maps = np.load(folder / "maps.npy", mmap_mode="r")
        with np.load(folder / "fixations.npz") as stored:
            self.counts = stored["counts"]
            self.xy = np.split(stored["xy"], np.cumsum(self.counts)[:-1])

    def read_all(self) -> float:
        """Reads every map with a thread for each core; returns bytes in a second."""
        parts = np.array_split(self.maps, os.cpu_count() or 1)
        with futures.ThreadPoolExecutor(len(parts)) as pool:
            start = time.perf_counter()
            list(pool.map(np.max, parts))
            return self.maps.nbytes / (time.perf_counter() - start)


def ours(material: Material, images: int | None = None) -> Answers:
    """The package, of whichever build is imported."""
    from salclass_tf.evaluation import Case, Gaze, Recording, evaluate

    points = material.xy[:images]
    gaze = Gaze(Recording(str(index), _SIZE, xy) for index, xy in enumerate(points))
    cases = (Case(str(index), *material.maps[index]) for index in range(len(points)))
    return evaluate(cases, gaze, _MEASURES).values


def leave_one_out(gaze) -> Answers:
    """Each viewer by all others."""
    try:
        from salclass_tf.evaluation.maps import human
    except ModuleNotFoundError:
        from salclass_tf.evaluation import human  # its place in earlier builds

    return human.leave_one_out(gaze, _VIEWED_SIGMA).values


def viewed(images: int):
    """A set as large as OSIE in which the viewers of a few images are known."""
    from salclass_tf.evaluation import Gaze, Recording

    rng = np.random.default_rng(0)
    recordings = []
    for index in range(_VIEWED_IMAGES):
        count = rng.integers(110, 170)
        xy = np.floor(rng.normal(0.5, 0.2, (count, 2)).clip(0, 0.999) * _VIEWED_SIZE[::-1])
        viewer = rng.integers(0, _VIEWERS, count)
        recordings.append(
            Recording(str(index), _VIEWED_SIZE, xy, viewer if index < images else None)
        )
    return Gaze(recordings)


def loop(material: Material, images: int) -> Answers:
    """The definitions, one image and one threshold at a time."""
    answers: dict[str, list[float]] = {name: [] for name in _MEASURES}
    for index in range(images):
        saliency, target = material.maps[index].astype(np.float64)
        xy = material.xy[index].astype(int)
        fixated = np.array([saliency[y, x] for x, y in xy])
        elsewhere = [xy.astype(int) for other, xy in enumerate(material.xy) if other != index]
        others = np.array([saliency[y, x] for xy in elsewhere for x, y in xy])
        unfixated = np.ones(_SIZE, bool)
        for x, y in xy:
            unfixated[y, x] = False
        everywhere = np.union1d(fixated, others)
        answers["shuffled_auc"].append(_area(fixated, others, everywhere))
        answers["auc_judd"].append(_area(fixated, saliency[unfixated], np.unique(fixated)))
        answers["nss"].append(np.mean((fixated - saliency.mean()) / saliency.std()))
        answers["cc"].append(np.corrcoef(saliency.ravel(), target.ravel())[0, 1])
    return {name: np.array(values) for name, values in answers.items()}


def _area(positives: np.ndarray, negatives: np.ndarray, thresholds: np.ndarray) -> float:
    """Area under the ROC curve, point by point."""
    hits, false_alarms = [0.0], [0.0]
    for threshold in thresholds[::-1]:
        hits.append(np.mean(positives >= threshold))
        false_alarms.append(np.mean(negatives >= threshold))
    return float(np.trapezoid([*hits, 1.0], [*false_alarms, 1.0]))


def with_pysaliency(material: Material, images: int | None = None) -> Answers:
    """The reference implementation."""
    # It imports torch for networks, none of which runs here.
    with contextlib.suppress(ImportError):
        import torch  # noqa: F401
    if "torch" not in sys.modules:
        sys.modules |= {name: unittest.mock.MagicMock() for name in ("torch", "torch.nn")}
    import pysaliency

    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid  # as NumPy calls it now; for AUC-Judd

    class Maps(pysaliency.SaliencyMapModel):
        def __init__(self, kind: int):
            super().__init__(caching=False)
            self._kind = kind

        def _saliency_map(self, stimulus):
            return material.maps[int(stimulus[0, 0]) + 256 * int(stimulus[0, 1]), self._kind]

    counts = material.counts[:images]
    pictures = [np.zeros(_SIZE, np.uint8) for _ in counts]
    for index, picture in enumerate(pictures):
        picture[0, :2] = index % 256, index // 256  # all that such a model is told
    stimuli = pysaliency.Stimuli(pictures)
    image = np.repeat(np.arange(len(counts)), counts)
    x, y = np.concatenate(material.xy[:images]).T
    fixations = pysaliency.Fixations.create_without_history(x, y, image)
    predicted, true = Maps(0), Maps(1)
    areas = predicted.AUCs(stimuli, fixations, nonfixations="shuffled")
    judd = predicted.AUC_per_image(stimuli, fixations, "unfixated", "fixations")
    return {
        "shuffled_auc": np.bincount(image, areas) / counts,
        "nss": np.bincount(image, predicted.NSSs(stimuli, fixations)) / counts,
        "cc": np.asarray(predicted.CCs(stimuli, true)),
        "auc_judd": np.asarray(judd),
    }


def part(name: str, folder: pathlib.Path, images: int) -> None:
    """Runs one way once and prints its answers, wall seconds and processor seconds as JSON."""
    material = Material(folder)
    bandwidth = max(material.read_all() for _ in range(3))  # the maps are in memory after it
    ways: dict[str, tuple[Callable[[], object], Callable[[], Answers]]] = {
        "ours": (lambda: ours(material, 2), lambda: ours(material)),
        "pysaliency": (lambda: with_pysaliency(material, 2), lambda: with_pysaliency(material)),
        "loop": (lambda: None, lambda: loop(material, images)),
    }
    if name == "viewers":
        one, all_of_them = viewed(1), viewed(images)
        ways[name] = lambda: leave_one_out(one), lambda: leave_one_out(all_of_them)
    prepare, run = ways[name]
    prepare()  # imports, and compiles its loops
    wall, processor = time.perf_counter(), time.process_time()
    answers = run()
    times = time.perf_counter() - wall, time.process_time() - processor
    memory = _peak(lambda: ours(material)) if name == "ours" else 0
    plain = {key: np.asarray(values).tolist() for key, values in answers.items()}
    print(json.dumps([plain, *times, bandwidth, memory]))


def _peak(run: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy hold at once."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


class Way:
    """One row of a table.

    Args:
        title: of the row.
        name: of the part that it runs.
        python: the interpreter.
        tree: the folder of the package.
        scale: what its time is multiplied by.
    """

    def __init__(self, title: str, name: str, python: str, tree: pathlib.Path, scale: float = 1):
        self.title, self._name, self._python, self._tree = title, name, python, tree
        self._scale = scale
        self.answers: Answers = {}
        self.wall = self.processor = np.inf
        self.bandwidth = self.memory = 0.0

    def run(self, folder: pathlib.Path, images: int) -> None:
        """Runs it once and keeps the shortest times."""
        command = [self._python, __file__, f"--part={self._name}"]
        command += [f"--folder={folder}", f"--images={images}"]
        environment = os.environ | {"PYTHONPATH": str(self._tree), "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        answers, wall, processor, bandwidth, self.memory = json.loads(done.stdout.splitlines()[-1])
        self.answers = {name: np.array(values) for name, values in answers.items()}
        self.wall = min(self.wall, self._scale * wall)
        self.processor = min(self.processor, self._scale * processor)
        self.bandwidth = max(self.bandwidth, bandwidth)


def compare(ways: list[Way], folder: pathlib.Path, rounds: int, images: int) -> None:
    """Runs all ways in turns and prints their table; the first is the one that is compared."""
    for number in range(rounds):
        for way in ways:
            print(f"round {number + 1} of {rounds}: {way.title}", file=sys.stderr)
            way.run(folder, images)
    first = ways[0]
    print(f"{'':28}{'wall s':>8}{'ours is':>9}{'CPU s':>8}{'ours is':>9}  largest difference")
    for way in ways:
        ratios = f"{way.wall / first.wall:7.1f} x{way.processor:8.2f}"
        ratios += f"{way.processor / first.processor:7.1f} x"
        difference = "" if way is first else f"  {_difference(first.answers, way.answers):.1e}"
        print(f"{way.title:28}{way.wall:8.2f}{ratios}{difference}")


def _difference(first: Answers, second: Answers) -> float:
    """Largest difference of the scores of the images that both have."""
    return max(
        float(np.abs(first[name][: len(values)] - values).max()) for name, values in second.items()
    )


def main() -> None:
    """Measures every way and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=928, help="images in the set")
    parser.add_argument("--loop_images", type=int, default=12, help="images that the loop scores")
    parser.add_argument("--viewed_images", type=int, default=4, help="images with 15 viewers")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way runs")
    parser.add_argument("--against", help="revision of this repository to compare with")
    parser.add_argument("--pysaliency_python", help="Python of an environment with pysaliency")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.part:
        part(flags.part, flags.folder, flags.images)
        return
    # Not above: parts of this file run where an earlier revision stands in for the package.
    from benchmarks import revisions

    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        before = flags.against and stack.enter_context(revisions.checked_out(flags.against))
        start = time.perf_counter(), time.process_time()
        make(folder, flags.images)
        made = time.perf_counter() - start[0], time.process_time() - start[1]

        few, python = min(flags.loop_images, flags.images), sys.executable
        ways = [Way("salclass_tf.evaluation", "ours", python, _ROOT)]
        viewed = [Way("each viewer by all others", "viewers", python, _ROOT)]
        if before:
            ways.append(Way(f"the same at {flags.against}", "ours", python, before))
            viewed.append(Way(f"the same at {flags.against}", "viewers", python, before))
        if flags.pysaliency_python:
            ways.append(Way("pysaliency", "pysaliency", flags.pysaliency_python, _ROOT))
        scale = flags.images / few
        ways.append(Way(f"loop ({few} images x {scale:.1f})", "loop", python, _ROOT, scale))

        print(f"{flags.images} maps of 500 x 375: {', '.join(_MEASURES)}")
        compare(ways, folder, flags.rounds, few)
        print(f"{'making the maps':28}{made[0]:8.2f}{'':9}{made[1]:8.2f}")
        bytes_read = np.load(folder / "maps.npy", mmap_mode="r").nbytes
        bandwidth = max(way.bandwidth for way in ways)
        floor = bytes_read / bandwidth
        print(
            f"floor: {bytes_read / 1e9:.2f} GB at {bandwidth / 1e9:.1f} GB/s = {floor:.3f} s; "
            f"reached: {floor / ways[0].wall:.0%} of the speed of reading the maps once"
        )
        print(f"memory: {ways[0].memory / 1e6:.0f} MB at most at once")
        print(f"\n{flags.viewed_images} x {_VIEWERS} viewers, 800 x 600, a set of 700 images")
        compare(viewed, folder, flags.rounds, flags.viewed_images)


if __name__ == "__main__":
    main()
