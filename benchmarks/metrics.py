"""Prints how long the scores of a data set take, beside a loop per image and threshold.

python -m benchmarks.metrics

928 maps of 500 x 375 pixels with three to nine fixations each: shuffled AUC, NSS, CC and
AUC-Judd. The loop is what the definitions say, written with NumPy for one image and one
threshold at a time; it runs on a few of the images and its time is multiplied up. pysaliency
runs where it is installed. The time to make the maps is part of every row. Wall time counts
where nothing else runs; processor time can be compared on a busy machine, too.
"""

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable, Iterator

import numpy as np
import scipy.ndimage

from salclass_tf.evaluation import Case, Gaze, Recording, evaluate

_MEASURES = ("shuffled_auc", "nss", "cc", "auc_judd")
_SIZE = (375, 500)
_SIGMA = 20.0  # pixels, of the true maps
_SECONDS, _RATIO = 60, 10  # required: maximum seconds on two cores, minimum ratio to the loop

Answers = dict[str, np.ndarray]


class Material:
    """The same maps and fixations for everyone, made when asked for.

    Args:
        images: number of images.
    """

    def __init__(self, images: int):
        rng = np.random.default_rng(0)
        self._noise = [
            scipy.ndimage.gaussian_filter(rng.random(_SIZE), _SIGMA).astype(np.float32)
            for _ in range(8)
        ]
        counts = rng.integers(3, 10, images)
        self.xy = [rng.random((count, 2)) * _SIZE[::-1] for count in counts]

    def saliency(self, index: int) -> np.ndarray:
        """A prediction, float32 [h, w]: smooth noise, shifted for each image."""
        shift = (37 * index, 53 * index)
        return np.roll(self._noise[index % len(self._noise)], shift, axis=(0, 1))

    def target(self, index: int) -> np.ndarray:
        """A true map, float64 [h, w]: a Gaussian at each fixation."""
        x, y = self.xy[index].T[..., np.newaxis]
        rows = np.exp(-0.5 * ((np.arange(_SIZE[0]) - y) / _SIGMA) ** 2)
        columns = np.exp(-0.5 * ((np.arange(_SIZE[1]) - x) / _SIGMA) ** 2)
        return np.einsum("fr,fc->rc", rows, columns)

    def cases(self) -> Iterator[Case]:
        """Every image's maps."""
        for index in range(len(self.xy)):
            yield Case(str(index), self.saliency(index), self.target(index))


def ours(material: Material) -> Answers:
    """The package."""
    gaze = Gaze(Recording(str(index), _SIZE, xy) for index, xy in enumerate(material.xy))
    return evaluate(material.cases(), gaze, _MEASURES).values


def loop(material: Material, images: int) -> Answers:
    """The definitions, one image and one threshold at a time."""
    answers: dict[str, list[float]] = {name: [] for name in _MEASURES}
    for index in range(images):
        saliency, xy = material.saliency(index).astype(np.float64), material.xy[index]
        fixated = np.array([saliency[int(y), int(x)] for x, y in xy])
        elsewhere = [xy for other, xy in enumerate(material.xy) if other != index]
        others = np.array([saliency[int(y), int(x)] for xy in elsewhere for x, y in xy])
        unfixated = np.ones(_SIZE, bool)
        for x, y in xy:
            unfixated[int(y), int(x)] = False
        everywhere = np.union1d(fixated, others)
        answers["shuffled_auc"].append(_area(fixated, others, everywhere))
        answers["auc_judd"].append(_area(fixated, saliency[unfixated], np.unique(fixated)))
        answers["nss"].append(np.mean((fixated - saliency.mean()) / saliency.std()))
        pair = saliency.ravel(), material.target(index).ravel()
        answers["cc"].append(np.corrcoef(*pair)[0, 1])
    return {name: np.array(values) for name, values in answers.items()}


def _area(positives: np.ndarray, negatives: np.ndarray, thresholds: np.ndarray) -> float:
    """Area under the ROC curve, point by point."""
    hits, false_alarms = [0.0], [0.0]
    for threshold in thresholds[::-1]:
        hits.append(np.mean(positives >= threshold))
        false_alarms.append(np.mean(negatives >= threshold))
    return float(np.trapezoid([*hits, 1.0], [*false_alarms, 1.0]))


def with_pysaliency(material: Material) -> Answers:
    """The reference implementation."""
    import pysaliency

    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid  # as NumPy calls it now; for AUC-Judd

    class Maps(pysaliency.SaliencyMapModel):
        def __init__(self, make: Callable[[int], np.ndarray]):
            super().__init__(caching=False)
            self._make = make

        def _saliency_map(self, stimulus):
            return self._make(int(stimulus[0, 0]) + 256 * int(stimulus[0, 1]))

    pictures = [np.zeros(_SIZE, np.uint8) for _ in material.xy]
    for index, picture in enumerate(pictures):
        picture[0, :2] = index % 256, index // 256  # all that such a model is told
    stimuli = pysaliency.Stimuli(pictures)
    counts = [len(xy) for xy in material.xy]
    image = np.repeat(np.arange(len(counts)), counts)
    x, y = np.concatenate(material.xy).T
    fixations = pysaliency.Fixations.create_without_history(x, y, image)
    predicted, true = Maps(material.saliency), Maps(material.target)
    areas = predicted.AUCs(stimuli, fixations, nonfixations="shuffled")
    judd = predicted.AUC_per_image(stimuli, fixations, "unfixated", "fixations")
    return {
        "shuffled_auc": np.bincount(image, areas) / counts,
        "nss": np.bincount(image, predicted.NSSs(stimuli, fixations)) / counts,
        "cc": np.asarray(predicted.CCs(stimuli, true)),
        "auc_judd": np.asarray(judd),
    }


def timed(function: Callable[[], Answers | None]) -> tuple[Answers | None, float, float]:
    """Returns the answers, wall seconds and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    answers = function()
    return answers, time.perf_counter() - wall, time.process_time() - processor


def _difference(first: Answers, second: Answers) -> str:
    """Largest difference of the scores of the images that both have."""
    largest = 0.0
    for name, values in second.items():
        largest = max(largest, float(np.abs(first[name][: len(values)] - values).max()))
    missing = [name for name in first if name not in second]
    return f"{largest:.1e}" + (f" (without {', '.join(missing)})" if missing else "")


def main() -> None:
    """Measures every way and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=928, help="images in the set")
    parser.add_argument("--loop_images", type=int, default=12, help="images that the loop scores")
    flags = parser.parse_args()
    material = Material(flags.images)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    found, seconds, processor = timed(lambda: ours(material))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rows = [("salclass_tf.evaluation", seconds, processor, "")]

    few = min(flags.loop_images, flags.images)
    answers, *times = timed(lambda: loop(material, few))
    scale = flags.images / few
    rows.append((f"loop ({few} images x {scale:.1f})", *(scale * t for t in times),
                 _difference(found, answers)))  # fmt: skip
    if importlib.util.find_spec("pysaliency"):
        with_pysaliency(Material(2))  # compiles its loops
        answers, *times = timed(lambda: with_pysaliency(material))
        rows.append(("pysaliency", *times, _difference(found, answers)))

    fixations = sum(len(xy) for xy in material.xy)
    print(f"{flags.images} maps of 500 x 375, {fixations} fixations: {', '.join(_MEASURES)}")
    print(f"{'':26}{'wall s':>8}{'ours is':>9}{'CPU s':>8}{'ours is':>9}  largest difference")
    for name, wall, cpu, difference in rows:
        ratios = f"{wall / seconds:7.1f} x{cpu:8.1f}{cpu / processor:7.1f} x"
        print(f"{name:26}{wall:8.1f}{ratios}  {difference}")
    print(f"{seconds / _SECONDS:.2f} of {_SECONDS} s allowed; required ratio to the loop {_RATIO}")
    print(f"memory: {after - before:.0f} MB on top of {before:.0f} MB")


if __name__ == "__main__":
    main()
