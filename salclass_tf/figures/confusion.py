"""Which classes a classifier takes for which, and how many of each it names right."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
import scipy.stats
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from salclass_tf.figures import canvas

_COLOURS = "Blues"
_NUMBERED = 30  # classes; the cells of more are too small for numbers
_LONGEST = 28  # letters of a name
_BARS = 2.2  # inches
_MARGIN = 0.5


def confusion(
    counts: np.ndarray, names: Sequence[str], title: str, path: str | os.PathLike
) -> list[pathlib.Path]:
    """Draws a confusion matrix, and beside each of its rows the accuracy of that class.

    Colours are shares of a row. Their scale rises steeply at first, so that rare mistakes are seen.
    Bars at the accuracies are 95 % intervals (Wilson's). The picture grows with the classes, such
    that all names can be read.

    Args:
        counts: number of images, true classes in rows, answers in columns, int [classes, classes].
        names: of the classes.
        title: above everything.
        path: of both files, without their endings.

    Returns:
        The PNG and the PDF.
    """
    classes = len(names)
    cell = np.interp(classes, (2, 12, 30, 120), (0.6, 0.42, 0.3, 0.16))
    font = np.interp(classes, (12, 120), (8.5, 7))
    short = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
    labels = max(map(len, short)) * font / 72 * 0.6 + _MARGIN
    side = classes * cell
    width, height = labels + side + _MARGIN + _BARS, labels + side + _MARGIN
    figure = Figure(figsize=(max(width, 5.0), height + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=10)
    matrix, bars = figure.subplots(1, 2, width_ratios=(max(side, 1.6), _BARS), sharey=True)
    _draw_matrix(matrix, counts, short, font)
    _draw_accuracies(bars, counts, font)
    return canvas.publish(figure, path)


def _draw_matrix(axis: Axes, counts: np.ndarray, names: Sequence[str], font: float) -> None:
    """The matrix; its numbers are images."""
    images = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, images, out=np.zeros(counts.shape), where=images > 0)
    classes = len(names)
    style = {"cmap": _COLOURS, "norm": PowerNorm(0.5, 0, 1), "interpolation": "nearest"}
    axis.imshow(shares, extent=(0, classes, classes, 0), aspect="auto", **style)
    for lines in (axis.hlines, axis.vlines):
        lines(np.arange(1, classes), 0, classes, color="0.88", linewidth=0.3)
    places = np.arange(classes) + 0.5
    axis.set_xticks(places, names, rotation=90, fontsize=font)
    axis.set_yticks(places, names, fontsize=font)
    axis.tick_params(length=0)
    axis.set_xlabel("answer (numbers: images; colours: share of a class)", fontsize=8)
    axis.set_ylabel("true class", fontsize=8)
    if classes > _NUMBERED:
        axis.set_xlabel("answer (colours: share of a class's images)", fontsize=8)
        return
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.3 else "black"
        place = {"ha": "center", "va": "center", "color": colour}
        axis.text(column + 0.5, row + 0.5, counts[row, column], fontsize=font - 1, **place)


def _draw_accuracies(axis: Axes, counts: np.ndarray, font: float) -> None:
    """The share of each class that is named right; nothing where it has no image."""
    right, images = np.diagonal(counts), counts.sum(axis=1)
    rows = np.flatnonzero(images)
    shares = 100 * right[rows] / images[rows]
    tests = [scipy.stats.binomtest(int(right[row]), int(images[row])) for row in rows]
    ends = 100 * np.array([test.proportion_ci(method="wilson") for test in tests]).T
    error = {"xerr": (shares - ends[0], ends[1] - shares), "error_kw": {"linewidth": 0.8}}
    axis.barh(rows + 0.5, shares, height=0.7, color=canvas.BLUE, alpha=0.75, **error)
    axis.set_xlim(0, 100)
    axis.tick_params(axis="x", labelsize=font)
    axis.tick_params(axis="y", left=False, labelleft=False)
    axis.set_xlabel("named right (%), 95 % intervals", fontsize=8)
    axis.grid(axis="x", color="0.85", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)
