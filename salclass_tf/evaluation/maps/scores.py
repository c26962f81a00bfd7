"""The scores of a data set: one for each image and metric, their means and intervals."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Literal

import numpy as np

from salclass_tf.evaluation.maps import resampling
from salclass_tf.evaluation.maps.measures import MEASURES
from salclass_tf.runs import files

Over = Literal["images", "fixations"]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean and its bootstrap confidence interval over images; NaN where undefined.

    Attributes:
        mean: over the images (or fixations) that have a score.
        low: lower end of the interval; NaN with fewer than two images, as is `high`.
        high: upper end.
        images: number of images that have a score.
    """

    mean: float
    low: float
    high: float
    images: int


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """What the maps of a data set scored.

    Attributes:
        labels: what they are of: heading -> text, the first columns of tables.
        images: name of each scored map's image; one image may have several (one for a viewer).
        fixations: number of fixations of each, int64 [maps].
        values: metric -> score of each, float64 [maps], NaN where undefined.
        reasons: metric -> image -> why it has no score.
        skipped: images without a map -> why.
        outside: number of fixations recorded on the images that are not on what of them is
            scored, such as outside the crop.
    """

    labels: dict[str, str]
    images: tuple[str, ...]
    fixations: np.ndarray
    values: dict[str, np.ndarray]
    reasons: dict[str, dict[str, str]]
    skipped: dict[str, str]
    outside: int

    def per_image(self, measure: str) -> dict[str, float]:
        """Returns the score of every image, the mean over its maps; NaN where undefined."""
        names, values, _ = self._by_image(measure, "images")
        return dict(zip(names, values.tolist(), strict=True))

    def estimate(
        self,
        measure: str,
        over: Over = "images",
        *,
        confidence: float = 0.95,
        resamples: int = 9999,
        seed: int = 0,
    ) -> Estimate:
        """Returns a mean and its interval, the percentiles of a bootstrap over images.

        Images are drawn with replacement, with all their fixations: those of one image are not
        independent.

        Args:
            measure: a metric that was scored.
            over: "images" weighs all images alike (as saliency benchmarks do); "fixations"
                weighs them by their fixations (pysaliency's default). The two differ where
                images have different numbers of fixations.
            confidence: of the interval, in (0, 1).
            resamples: of the bootstrap.
            seed: of the bootstrap.

        Raises:
            ValueError: if the metric was not scored, or is no mean over fixations.
        """
        _, values, weights = self._by_image(measure, over)
        scored = ~np.isnan(values)
        values, weights = values[scored], weights[scored]
        if values.size == 0:
            return Estimate(math.nan, math.nan, math.nan, 0)
        mean = float(resampling.weighted_mean(values, weights))
        if values.size == 1:
            return Estimate(mean, math.nan, math.nan, 1)
        low, high = resampling.interval(values, weights, confidence, resamples, seed)
        return Estimate(mean, low, high, values.size)

    def missing(self, measure: str) -> dict[str, list[str]]:
        """Returns why images have no score of a metric: reason -> names."""
        by_reason: dict[str, list[str]] = {}
        scores = self.per_image(measure)
        for name, reason in (self.skipped | self.reasons[measure]).items():
            if math.isnan(scores.get(name, math.nan)):
                by_reason.setdefault(reason, []).append(name)
        return by_reason

    def without(self, undefined: Mapping[str, str]) -> "Scores":
        """Returns the scores with some metrics undefined on every image.

        Args:
            undefined: metric -> why; those that were not scored are left out.
        """
        why = {name: reason for name, reason in undefined.items() if name in self.values}
        nothing = np.full(len(self.images), np.nan)
        return dataclasses.replace(
            self,
            values=self.values | dict.fromkeys(why, nothing),
            reasons=self.reasons | {n: dict.fromkeys(self.images, r) for n, r in why.items()},
        )

    def save(self, path: pathlib.Path) -> None:
        """Writes everything as JSON, to be read by `load`; NaN becomes null."""
        content = dataclasses.asdict(self)
        content["fixations"] = self.fixations.tolist()
        content["values"] = {
            name: [None if math.isnan(value) else value for value in values.tolist()]
            for name, values in self.values.items()
        }
        files.write_text(path, json.dumps(content, indent=1, allow_nan=False))

    @classmethod
    def load(cls, path: pathlib.Path) -> "Scores":
        """Reads what `save` wrote.

        Raises:
            ValueError: if the file holds something else.
        """
        try:
            content = json.loads(path.read_text())
            content["images"] = tuple(content["images"])
            content["fixations"] = np.array(content["fixations"], np.int64)
            # float64 turns null into NaN
            content["values"] = {
                name: np.array(values, np.float64) for name, values in content["values"].items()
            }
            return cls(**content)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} must hold saved scores; {error!r}: score again") from error

    def _by_image(self, measure: str, over: Over) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
        """Names, scores and weights of the images; the scores are means over their maps."""
        if measure not in self.values:
            raise ValueError(f"scored were {', '.join(self.values)}; got {measure!r}")
        if over == "fixations" and not MEASURES[measure].per_fixation:
            raise ValueError(f"{measure} is no mean over fixations: take the mean over images")
        names = tuple(dict.fromkeys(self.images))
        index = {name: number for number, name in enumerate(names)}
        image = np.array([index[name] for name in self.images], np.int64)
        values = self.values[measure]
        weights = (~np.isnan(values)).astype(np.float64)
        if over == "fixations":
            weights *= self.fixations
        total = np.bincount(image, np.nan_to_num(values) * weights, len(names))
        weight = np.bincount(image, weights, len(names))
        mean = np.divide(total, weight, out=np.full(len(names), np.nan), where=weight > 0)
        return names, mean, np.ones(len(names)) if over == "images" else weight
