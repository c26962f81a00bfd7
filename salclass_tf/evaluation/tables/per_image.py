"""What every single image got, as CSV: scores of maps, answers of classifiers."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.evaluation.tables.of_classes import csv_of_tables
from salclass_tf.evaluation.tables.of_maps import csv_lines, defined


def scores_csv(rows: Sequence[Scores]) -> str:
    """Returns a line for each method and image: its fixations, the score of each metric.

    Where a metric has no score the cell is empty, and the last column says why. Of methods with a
    map for each viewer the scores are means over viewers.

    Args:
        rows: of a table, one for each method and data set.
    """
    labels = dict.fromkeys(label for row in rows for label in row.labels)
    measures = dict.fromkeys(name for row in rows for name in row.values)
    lines = [line for row in rows for line in _score_lines(row)]
    return csv_lines(lines, [*labels, "image", "fixations", *measures, "without score"])


def predictions_csv(tables: Mapping[int, Sequence[Guesses]]) -> str:
    """Returns a line for each method and image: its class, the answer, and how sure that was.

    Args:
        tables: number of the paper's table -> its rows.
    """
    return csv_of_tables(tables, _prediction_lines)


def _score_lines(row: Scores) -> Iterator[dict]:
    """The lines of one method on one set; skipped images come last."""
    scores = {name: row.per_image(name) for name in row.values}
    fixations: dict[str, int] = {}
    for image, count in zip(row.images, row.fixations.tolist(), strict=True):
        fixations[image] = fixations.get(image, 0) + count
    for image in dict.fromkeys([*row.images, *row.skipped]):
        values = {name: defined(found.get(image, np.nan)) for name, found in scores.items()}
        line = row.labels | {"image": image, "fixations": fixations.get(image, 0)} | values
        yield line | {"without score": _why(row, image, values)}


def _why(row: Scores, image: str, values: Mapping[str, float | None]) -> str:
    """Why metrics have no score on an image; "" where all have."""
    if image in row.skipped:
        return row.skipped[image]
    lacking: dict[str, list[str]] = {}
    for name, value in values.items():
        if value is None:
            lacking.setdefault(row.reasons[name].get(image, "undefined"), []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in lacking.items())


def _prediction_lines(row: Guesses) -> Iterator[dict]:
    """The lines of one method on one set."""
    columns = (row.images, row.truth, row.guess, row.probability, row.truth_probability)
    for image, truth, guess, probability, of_truth in zip(*columns, strict=True):
        yield row.labels | {
            "image": image,
            "true class": row.class_names[truth],
            "predicted class": row.class_names[guess],
            "right": int(truth == guess),
            "probability": float(probability),
            "probability of the true class": float(of_truth),
        }
