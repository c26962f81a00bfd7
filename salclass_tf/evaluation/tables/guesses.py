"""How many images a classifier names right, with the mean over classes of the paper's Table 5."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Sequence

import numpy as np

from salclass_tf.evaluation.maps.scores import Estimate, Scores
from salclass_tf.runs import files

ACCURACY, CLASS_MEAN = "accuracy", "mean_class_accuracy"

_COLUMNS = {
    "truth": np.int64,
    "guess": np.int64,
    "probability": np.float64,
    "truth_probability": np.float64,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Guesses:
    """What a classifier said of the images of a data set.

    Attributes:
        labels: what they are of: heading -> text, the first columns of tables.
        images: names.
        truth: class of each image, int64 [images].
        guess: first guess for each, int64 [images].
        probability: of the first guess, float64 [images] in [0, 1].
        truth_probability: of the image's class, likewise.
        class_names: in label order.
    """

    labels: dict[str, str]
    images: tuple[str, ...]
    truth: np.ndarray
    guess: np.ndarray
    probability: np.ndarray
    truth_probability: np.ndarray
    class_names: tuple[str, ...]

    @classmethod
    def of_probabilities(
        cls,
        labels: dict[str, str],
        images: Sequence[str],
        truth: np.ndarray,
        probabilities: np.ndarray,
        class_names: Sequence[str],
    ) -> "Guesses":
        """Notes the likeliest class of each image.

        Args:
            labels: see the class.
            images: names.
            truth: class of each image, integers [images].
            probabilities: of all classes for each image, [images, classes].
            class_names: in label order.
        """
        rows = np.arange(len(truth))
        guess = np.argmax(probabilities, axis=1)
        return cls(
            labels,
            tuple(images),
            truth.astype(np.int64),
            guess.astype(np.int64),
            probabilities[rows, guess].astype(np.float64),
            probabilities[rows, truth].astype(np.float64),
            tuple(class_names),
        )

    def estimates(
        self, *, confidence: float = 0.95, resamples: int = 9999, seed: int = 0
    ) -> dict[str, Estimate]:
        """Returns plain accuracy and the mean over classes of each class's accuracy.

        The intervals are percentiles of a bootstrap: as many images as there are, drawn with
        replacement, which is a multinomial draw over classes and right or wrong. The mean over
        classes is over those that were drawn. (Drawing within each class would give classes of
        one image no spread at all.)

        Args:
            confidence: of the intervals, in (0, 1).
            resamples: of the bootstrap.
            seed: of the bootstrap.

        Returns:
            `ACCURACY` and `CLASS_MEAN`; classes without an image do not count. Intervals are NaN
            with fewer than two images.
        """
        _, index = np.unique(self.truth, return_inverse=True)
        cells = 2 * index + (self.truth == self.guess)
        counts = np.bincount(cells, minlength=2 * (index.max() + 1))
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(len(cells), counts / len(cells), resamples)
        measured, resampled = _rates(counts), _rates(drawn)
        ends = [(1 - confidence) / 2, (1 + confidence) / 2]
        return {
            name: Estimate(
                float(mean), *_ends(resampled[name], ends, len(self.images)), len(self.images)
            )
            for name, mean in measured.items()
        }

    def scores(self) -> Scores:
        """Returns 1 for each image named right and 0 for the others, to be compared in pairs."""
        return Scores(
            labels=self.labels,
            images=self.images,
            fixations=np.zeros(len(self.images), np.int64),
            values={ACCURACY: (self.truth == self.guess).astype(np.float64)},
            reasons={ACCURACY: {}},
            skipped={},
            outside=0,
        )

    def save(self, path: pathlib.Path) -> None:
        """Writes everything as JSON, to be read by `load`."""
        content = dataclasses.asdict(self)
        content |= {name: getattr(self, name).tolist() for name in _COLUMNS}
        files.write_text(path, json.dumps(content, indent=1))

    @classmethod
    def load(cls, path: pathlib.Path) -> "Guesses":
        """Reads what `save` wrote.

        Raises:
            ValueError: if the file holds something else.
        """
        try:
            content = json.loads(path.read_text())
            content["images"] = tuple(content["images"])
            content["class_names"] = tuple(content["class_names"])
            for name, kind in _COLUMNS.items():
                content[name] = np.array(content[name], kind)
            return cls(**content)
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} must hold saved guesses; {error!r}: score again") from error


def _rates(cells: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracies from numbers of images, [..., 2 x classes]: wrong and right of each class."""
    wrong, right = cells[..., 0::2], cells[..., 1::2]
    images = wrong + right
    by_class = np.divide(right, images, out=np.zeros(images.shape), where=images > 0)
    return {
        ACCURACY: right.sum(-1) / images.sum(-1),
        CLASS_MEAN: by_class.sum(-1) / (images > 0).sum(-1),
    }


def _ends(resampled: np.ndarray, ends: list[float], images: int) -> tuple[float, float]:
    """Ends of an interval."""
    if images < 2:
        return math.nan, math.nan
    low, high = np.quantile(resampled, ends)
    return float(low), float(high)
