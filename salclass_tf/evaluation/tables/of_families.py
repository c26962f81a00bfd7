"""Networks of several seeds as one method: means with intervals over seeds and images."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from salclass_tf.evaluation.maps import resampling
from salclass_tf.evaluation.maps.scores import Estimate, Scores
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables.guesses import ACCURACY, CLASS_MEAN, Guesses
from salclass_tf.evaluation.tables.of_maps import csv_lines, defined, interval, line, title
from salclass_tf.training import map_use

TITLE = "Over seeds and images"

_EXPLAINED = (
    "Means over seeds and images. 95 % intervals are percentiles of a two-way bootstrap: seeds and "
    "images are drawn with replacement, each by itself, and every drawn seed scores every drawn "
    "image. Differences are paired, by seed and by image. Few seeds say little of their spread: "
    "of S seeds the bootstrap takes it for sqrt(S / (S - 1)) times too small."
)


@dataclasses.dataclass(frozen=True)
class Row:
    """A metric of a family.

    Attributes:
        dataset: title of the set.
        name: of the family.
        measure: the metric.
        seeds: how many there are.
        mean: over seeds and images.
        difference: of the first family on the set and this one; None of the first itself, and of
            one with other seeds or images.
    """

    dataset: str
    name: str
    measure: str
    seeds: int
    mean: Estimate
    difference: Estimate | None


class Key(NamedTuple):
    """What tells the rows of one family, or one that is alone, from others.

    Attributes:
        dataset: title of the set.
        view: what of the images is scored.
        of_classes: whether classes are, or maps.
        several: whether it is a family.
        name: of the family, or of what is alone.
    """

    dataset: str
    view: str
    of_classes: bool
    several: bool
    name: str


@dataclasses.dataclass(frozen=True)
class Family:
    """What the networks of several seeds score on a data set.

    Attributes:
        scores: seed -> scores; what is alone, and so of no family, has the seed "".
        classes: image -> its class; {} where maps are scored.
        view: what of the images is scored.
    """

    scores: dict[str, Scores] = dataclasses.field(default_factory=dict)
    classes: dict[str, int] = dataclasses.field(default_factory=dict)
    view: str = ""

    @property
    def measures(self) -> list[str]:
        """The metrics, for classes the mean over them first."""
        first = next(iter(self.scores.values()))
        return [*([CLASS_MEAN] if self.classes else ()), *first.values]

    def table(self, measure: str) -> dict[str, np.ndarray]:
        """Returns image -> score of each seed, NaN where there is none."""
        name = ACCURACY if measure == CLASS_MEAN else measure
        scores = [one.per_image(name) for one in self.scores.values()]
        return {image: np.array([one.get(image, np.nan) for one in scores]) for image in scores[0]}


def by_family(scored: Sequence[tuple[Method, Scores | Guesses]]) -> dict[Key, Family]:
    """Returns what methods score, those of several seeds together.

    A network with another map is a family of its own; its twin without maps is one already.

    Args:
        scored: methods and their scores.
    """
    found: dict[Key, Family] = {}
    for method, row in scored:
        name, of_classes = method.family or method.name, isinstance(row, Guesses)
        if method.reads not in ("", map_use.RGB):
            name = f"{name}, {method.reads}"
        view = "" if of_classes else row.labels.get("view", "")
        key = Key(row.labels["data set"], view, of_classes, bool(method.family), name)
        family = found.setdefault(key, Family(view=view))
        if of_classes:
            family.scores[method.seed] = row.scores()
            family.classes.update(zip(row.images, row.truth.tolist(), strict=True))
        else:
            family.scores[method.seed] = row
    return found


def rows(
    scored: Sequence[tuple[Method, Scores | Guesses]],
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> list[Row]:
    """Returns what families of at least two seeds reach.

    Args:
        scored: methods and their scores, those of no family among them.
        confidence: of the intervals, in (0, 1).
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    settings = {"confidence": confidence, "resamples": resamples, "seed": seed}
    found, references = [], {}
    for key, family in by_family(scored).items():
        if not key.several or len(family.scores) < 2:
            continue
        reference = references.setdefault((key.dataset, key.view, key.of_classes), family)
        compared = family is not reference and not _unlike(reference, family)
        for measure in family.measures:
            values = _whole(family.table(measure))
            if not values:
                continue
            mean, less = _estimate(values, family, measure, **settings), None
            if compared and measure in reference.measures:
                less = difference(reference, family, measure, **settings)
            found.append(Row(key.dataset, key.name, measure, len(family.scores), mean, less))
    return found


def difference(
    first: Family,
    second: Family,
    measure: str,
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Estimate | None:
    """Returns the mean difference of two families, paired by seed and by image.

    Args:
        first: a family, or what is alone, which stands beside each seed of the other.
        second: likewise, of the same seeds and images.
        measure: the metric.
        confidence: of the interval, in (0, 1).
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        None where fewer than two images have a score in all of them.

    Raises:
        ValueError: if both have several seeds and other ones, other images or other views of them.
    """
    if reason := _unlike(first, second):
        raise ValueError(reason)
    tables = [family.table(measure) for family in (first, second)]
    apart = _whole({image: values - tables[1][image] for image, values in tables[0].items()})
    if len(apart) < 2:
        return None
    return _estimate(apart, first, measure, confidence, resamples, seed)


def _unlike(first: Family, second: Family) -> str:
    """Why two families cannot be compared, with the remedy; "" if they can."""
    if first.view != second.view:
        return (
            f"maps are compared in one view; got {first.view!r} and {second.view!r}: score both "
            "with --view=whole"
        )
    seeds = [list(family.scores) for family in (first, second)]
    if [""] not in seeds and seeds[0] != seeds[1]:
        here, there = (", ".join(one.removeprefix(", ") for one in names) for names in seeds)
        return f"networks are compared seed by seed; got {here} and {there}: train the missing ones"
    images = [set(next(iter(one.scores.values())).images) for one in (first, second)]
    if others := sorted(images[0] ^ images[1]):
        return (
            f"networks are compared on the same images; {others[0]!r} is scored of one alone: "
            "score both on one split"
        )
    return ""


def markdown(found: Sequence[Row]) -> str:
    """Returns a Markdown table."""
    lines = [
        line(["data set", "method", "metric", "seeds", "images", "mean", "first method - this"]),
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for row in found:
        cells = [row.dataset, row.name, title(row.measure), str(row.seeds), str(row.mean.images)]
        difference = interval(row.difference) if row.difference else ""
        lines.append(line([*cells, interval(row.mean), difference]))
    return "\n".join(lines) + f"\n\n{_EXPLAINED}"


def summaries(found: Sequence[Row]) -> list[dict]:
    """Returns the means as plain data, a line for each family on each set."""
    lines: dict[tuple[str, str], dict] = {}
    for row in found:
        line = lines.setdefault(
            (row.dataset, row.name),
            {
                "labels": {"data set": row.dataset, "method": row.name},
                "seeds": row.seeds,
                "images": row.mean.images,
                "metrics": {},
            },
        )
        line["metrics"][row.measure] = {
            part: defined(getattr(row.mean, part)) for part in ("mean", "low", "high")
        }
    return list(lines.values())


def csv_text(found: Sequence[Row]) -> str:
    """Returns the same as CSV."""
    flat = []
    for row in found:
        numbers = {"mean": row.mean, "difference": row.difference}
        flat.append(
            {"data set": row.dataset, "method": row.name, "metric": row.measure}
            | {"seeds": row.seeds, "images": row.mean.images}
            | {
                f"{name}{end}": getattr(value, part) if value else None
                for name, value in numbers.items()
                for part, end in (("mean", ""), ("low", "_low"), ("high", "_high"))
            }
        )
    return csv_lines(flat, list(flat[0]))


def _whole(table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The images of a table that every seed has a score of."""
    return {image: values for image, values in table.items() if not np.isnan(values).any()}


def _estimate(
    values: dict[str, np.ndarray],
    family: Family,
    measure: str,
    confidence: float,
    resamples: int,
    seed: int,
) -> Estimate:
    """Mean and interval of a table of images and seeds."""
    table = np.stack(list(values.values()), axis=1)
    classes, mean = None, table.mean()
    if measure == CLASS_MEAN:
        classes = np.array([family.classes[image] for image in values])
        mean = np.mean([table[:, classes == one].mean() for one in np.unique(classes)])
    ends = resampling.two_way(table, confidence, resamples, seed, classes)
    return Estimate(float(mean), *ends, table.shape[1])
