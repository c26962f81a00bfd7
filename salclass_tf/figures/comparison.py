"""Grids that compare maps: the image, the true map, and what each method says (Figs. 3, 5, 6)."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from salclass_tf.figures import canvas

_CELL_INCHES, _MARGIN_INCHES = 1.75, 0.22


@dataclasses.dataclass(frozen=True)
class Scale:
    """What the colours of maps mean.

    Attributes:
        low: value of the darkest colour.
        high: value of the brightest one.
        label: of the colour bar.
        colours: a Matplotlib colour map.
    """

    low: float
    high: float
    label: str
    colours: str = canvas.MAP_COLOURS


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One image and its maps.

    Attributes:
        name: what is written beside the image.
        image: uint8 [h, w, 3].
        xy: fixations, (column, row) pixels, [n, 2].
        truth: true map [h, w]; None where there is none.
        maps: a map of each method, [h, w].
        scores: of each of `maps`: name -> score on this image, NaN where undefined.
        change: a last map, on a scale of its own, [h, w] or None.
    """

    name: str
    image: np.ndarray
    xy: np.ndarray
    truth: np.ndarray | None
    maps: tuple[np.ndarray, ...]
    scores: tuple[dict[str, float], ...]
    change: np.ndarray | None = None


def comparison(
    rows: Sequence[Row],
    heads: Sequence[str],
    title: str,
    path: str | os.PathLike,
    scale: Scale,
    change_scale: Scale | None = None,
) -> list[pathlib.Path]:
    """Draws images under each other, each with its maps beside it.

    All maps of all rows, the true ones too, have the one scale, so that they can be compared; a map
    of the change has its own.

    Args:
        rows: an image each; all have a true map, or none has, and so with the change.
        heads: heading of each method's column.
        title: above everything.
        path: of both files, without their endings.
        scale: of all maps.
        change_scale: of the last column; None where rows have none.

    Returns:
        The PNG and the PDF.
    """
    known = rows[0].truth is not None
    heads = ["image", *(["fixations, true map"] if known else []), *heads]
    heads += [] if change_scale is None else ["change"]
    height = _CELL_INCHES * canvas.tallest(row.image for row in rows)
    size = (len(heads) * _CELL_INCHES + 0.3, len(rows) * (height + _MARGIN_INCHES) + 1.1)
    figure = Figure(figsize=size, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(rows), len(heads), squeeze=False)
    for cells, row in zip(axes, rows, strict=True):
        shown, changed = _draw(cells, row, scale, change_scale)
    for cell, head in zip(axes[0], heads, strict=True):
        cell.set_title(head, fontsize=8.5)
    mapped = len(heads) - (change_scale is not None)
    _bar(figure, shown, axes[:, 1:mapped], scale, mapped - 1)
    if change_scale is not None:
        _bar(figure, changed, axes[:, mapped:], change_scale, 1)
    return canvas.publish(figure, path)


def caption(scores: Mapping[str, float]) -> str:
    """Returns scores as text, those that are defined."""
    known = [f"{name} {value:z.2f}" for name, value in scores.items() if not math.isnan(value)]
    return "   ".join(known) or " "


def _draw(
    cells: Sequence[Axes], row: Row, scale: Scale, change_scale: Scale | None
) -> tuple[AxesImage, AxesImage | None]:
    """One row; returns what the colour bars belong to."""
    for cell in cells:
        canvas.bare(cell)
    cells[0].imshow(row.image)
    cells[0].set_ylabel(row.name, fontsize=7)
    # An empty caption takes the same room: images and maps stay in line.
    cells[0].set_xlabel(" ", fontsize=7, labelpad=2)
    truth = () if row.truth is None else ((row.truth, " "),)
    columns = (*truth, *zip(row.maps, map(caption, row.scores), strict=True))
    for cell, (values, below) in zip(cells[1:], columns, strict=False):
        shown = _show(cell, values, scale)
        cell.set_xlabel(below, fontsize=7, labelpad=2)
    if truth:
        canvas.draw_fixations(cells[1], row.xy)
    if change_scale is None:
        return shown, None
    cells[-1].set_xlabel(" ", fontsize=7, labelpad=2)
    return shown, _show(cells[-1], row.change, change_scale)


def _show(cell: Axes, values: np.ndarray, scale: Scale) -> AxesImage:
    """A map in colours."""
    return cell.imshow(values, cmap=scale.colours, vmin=scale.low, vmax=scale.high)


def _bar(figure: Figure, shown: AxesImage, axes: np.ndarray, scale: Scale, columns: int) -> None:
    """The colour bar below some columns, of one thickness whatever their number."""
    inches = columns * _CELL_INCHES
    shrink = min(1, 3.2 / inches)
    bar = figure.colorbar(
        shown,
        ax=axes,
        location="bottom",
        shrink=shrink,
        aspect=shrink * inches / 0.1,
        pad=0.01,
        extend="both",
        panchor=False,  # or maps move, and images, which have no bar, do not
    )
    bar.ax.tick_params(labelsize=7)
    bar.set_label(scale.label, fontsize=7.5)
