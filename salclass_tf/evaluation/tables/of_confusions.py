"""Which classes were taken for which: confusion matrices, and the accuracy of each class."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import scipy.stats

from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.evaluation.tables.of_classes import csv_of_tables


def counts(row: Guesses) -> np.ndarray:
    """Returns the number of images, true classes in rows, answers in columns, int64 [n, n]."""
    classes = len(row.class_names)
    cells = np.bincount(row.truth * classes + row.guess, minlength=classes**2)
    return cells.reshape(classes, classes)


def file_name(row: Guesses, table: int) -> str:
    """Returns what the files of a confusion matrix are called, without their ending."""
    text = f"confusion table{table} {row.labels['method']} {row.labels['data set']}"
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")


def matrix_csv(row: Guesses) -> str:
    """Returns the confusion matrix of one method on one set; the corner says what is what."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["true class \\ predicted class", *row.class_names])
    for name, line in zip(row.class_names, counts(row).tolist(), strict=True):
        writer.writerow([name, *line])
    return buffer.getvalue()


def classes_csv(tables: Mapping[int, Sequence[Guesses]]) -> str:
    """Returns a line for each method and class: accuracy, and what it is most often taken for.

    The intervals of the accuracies are Wilson's, 95 %.

    Args:
        tables: number of the paper's table -> its rows.
    """
    return csv_of_tables(tables, _class_lines)


def _class_lines(row: Guesses) -> Iterator[dict]:
    """The lines of one method on one set; classes without an image have no accuracy."""
    for index, (name, line) in enumerate(zip(row.class_names, counts(row), strict=True)):
        right, images = int(line[index]), int(line.sum())
        found = row.labels | {"class": name, "images": images, "right": right}
        found |= dict.fromkeys(("accuracy", "low", "high", "most often taken for", "times"))
        if images:
            interval = scipy.stats.binomtest(right, images).proportion_ci(method="wilson")
            found |= {"accuracy": right / images, "low": interval.low, "high": interval.high}
        others = np.delete(line, index)
        if others.any():
            other = int(others.argmax())
            found["most often taken for"] = row.class_names[other + (other >= index)]
            found["times"] = int(others.max())
        yield found
