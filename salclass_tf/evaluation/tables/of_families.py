"""Networks of several seeds as one method: means with intervals over seeds and images."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from salclass_tf.evaluation.maps import resampling
from salclass_tf.evaluation.maps.scores import Estimate, Scores
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables.guesses import CLASS_MEAN, Guesses
from salclass_tf.evaluation.tables.of_maps import csv_lines, defined, interval, line, title
from salclass_tf.training import map_use

TITLE = "Over seeds and images"

_EXPLAINED = (
    "Means over seeds and images. 95 % intervals are percentiles of a two-way bootstrap: seeds and "
    "images are drawn with replacement, each by itself, and every drawn seed scores every drawn "
    "image. Differences are paired, by seed and by image. In the mean over classes an image weighs "
    "as much as its class has it weigh in the whole set. Few seeds say little of their spread: of "
    "S seeds the bootstrap takes it for sqrt(S / (S - 1)) times too small."
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
    settings = (confidence, resamples, seed)
    found, first = [], {}
    for (dataset, name), by_seed in by_family(scored).items():
        members = list(by_seed.values())
        if len(members) < 2:
            continue
        for measure in members[0].values:
            values = _table(members, measure)
            if values is None:
                continue
            reference, seeds = first.setdefault((dataset, measure), (values, [*by_seed]))
            alike = reference.keys() == values.keys() and seeds == [*by_seed]
            difference = None
            if reference is not values and alike:
                difference = {key: reference[key] - values[key] for key in values}
            found.append(
                Row(
                    dataset,
                    name,
                    measure,
                    len(members),
                    _estimate(values, *settings),
                    None if difference is None else _estimate(difference, *settings),
                )
            )
    return found


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


def by_family(
    scored: Sequence[tuple[Method, Scores | Guesses]],
) -> dict[tuple[str, str], dict[str, Scores]]:
    """Returns the scores of networks of several seeds.

    Args:
        scored: methods and their scores, those of no family among them.

    Returns:
        (title of the data set, family) -> what tells a seed's name from that of the family ->
        scores. A network with another map is a family of its own; a twin without maps is one
        already.
    """
    found: dict[tuple[str, str], dict[str, Scores]] = {}
    for method, row in scored:
        if not method.family or method.reads == map_use.RGB:
            continue
        name = ", ".join(filter(None, (method.family, method.reads)))
        scores = row.scores(CLASS_MEAN) if isinstance(row, Guesses) else row
        by_seed = found.setdefault((row.labels["data set"], name), {})
        # A network that reads a map stands in two tables.
        by_seed[method.name.removeprefix(method.family)] = scores
    return found


def difference(
    first: Mapping[str, Scores],
    second: Mapping[str, Scores],
    measure: str,
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Estimate:
    """Returns the mean difference of two families, paired by seed and by image.

    Args:
        first: scores by seed. One network alone stands beside each seed of the other.
        second: likewise, of the same seeds.
        measure: the metric.
        confidence: of the interval, in (0, 1).
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: if both have several seeds, and other ones; if they have other images, or none
            that all of them have a score of.
    """
    if len(first) > 1 and len(second) > 1 and first.keys() != second.keys():
        raise ValueError(
            f"seeds are compared one by one; got {', '.join(first)} and {', '.join(second)}"
        )
    tables = [_table([*family.values()], measure, whole=False) for family in (first, second)]
    if tables[0].keys() != tables[1].keys():
        raise ValueError("families are compared on the same images; these have others")
    apart = {name: values - tables[1][name] for name, values in tables[0].items()}
    apart = {name: values for name, values in apart.items() if not np.isnan(values).any()}
    if len(apart) < 2:
        raise ValueError(f"a comparison needs two images with {title(measure)}; got {len(apart)}")
    return _estimate(apart, confidence, resamples, seed)


def _table(
    members: Sequence[Scores], measure: str, whole: bool = True
) -> dict[str, np.ndarray] | None:
    """Image -> score of each seed; None where there is none.

    Args:
        members: a row for each seed.
        measure: the metric.
        whole: whether images are left out that some seed has no score of.
    """
    scores = [member.per_image(measure) for member in members]
    table = {name: np.array([one.get(name, np.nan) for one in scores]) for name in scores[0]}
    if whole:
        table = {name: values for name, values in table.items() if not np.isnan(values).any()}
    return table or None


def _estimate(
    values: dict[str, np.ndarray], confidence: float, resamples: int, seed: int
) -> Estimate:
    """Mean and interval of a table of images and seeds."""
    table = np.stack(list(values.values()), axis=1)
    ends = resampling.two_way(table, confidence, resamples, seed)
    return Estimate(float(table.mean()), *ends, table.shape[1])
