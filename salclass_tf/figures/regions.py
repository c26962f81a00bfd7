"""Grids of image regions, a row for each feature map (the paper's Table 7)."""

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from salclass_tf.figures import canvas

# In inches, everything has its place: grids of several sets have too many cells for a layout
# engine, which would take minutes.
_CELL, _GAP, _CAPTION = 0.95, 0.07, 0.15
_BETWEEN_LAYERS, _BETWEEN_SETS = 0.14, 0.28
_TOP, _EDGE, _LETTER = 0.8, 0.1, 0.064


@dataclasses.dataclass(frozen=True, eq=False)
class RegionRow:
    """A feature map and the regions that activate it most.

    Attributes:
        layer: what is written beside the rows of its layer.
        name: of the map in its layer.
        groups: of each data set: regions, uint8 [h, w, 3], and what is written below them.
    """

    layer: str
    name: str
    groups: tuple[tuple[tuple[np.ndarray, str], ...], ...]


def region_grid(
    rows: Sequence[RegionRow],
    heads: Sequence[str],
    columns: int,
    title: str,
    path: str | os.PathLike,
) -> list[pathlib.Path]:
    """Draws feature maps under each other, each with its regions, the data sets side by side.

    Regions are brought to one size, whatever their own; where a set has fewer than there are
    columns, places stay empty.

    Args:
        rows: a feature map each; those of a layer follow each other.
        heads: heading of each data set.
        columns: places for regions of a data set.
        title: above everything.
        path: of both files, without their endings.

    Returns:
        The PNG and the PDF.
    """
    left = _EDGE + _LETTER * (_longest(row.layer for row in rows) + _longest(r.name for r in rows))
    lefts = [left + i * (columns * (_CELL + _GAP) + _BETWEEN_SETS) for i in range(len(heads))]
    width = lefts[-1] + columns * (_CELL + _GAP)
    page = _Page(max(width, left + _LETTER * _longest([title])), _tops(rows)[-1] + _EDGE)
    page.write(page.width / 2, _EDGE, title, size=9.5, ha="center", va="top")
    for place, head in zip(lefts, heads, strict=True):
        page.write(place, _TOP - 0.1, head, size=8.5)
    layer = None
    for top, row in zip(_tops(rows), rows, strict=False):
        if row.layer != layer:
            page.write(_EDGE, top, layer := row.layer, va="top")
        page.write(left - 0.08, top + _CELL / 2, row.name, ha="right", va="center")
        for start, regions in zip(lefts, row.groups, strict=True):
            for index, (pixels, below) in enumerate(regions):
                page.show(start + index * (_CELL + _GAP), top, pixels, below)
    return canvas.publish(page.figure, path)


def _tops(rows: Sequence[RegionRow]) -> list[float]:
    """Upper edges of all rows, with space between layers; and the lower edge of the last."""
    tops = [_TOP]
    for row, after in itertools.zip_longest(rows, rows[1:]):
        space = _BETWEEN_LAYERS if after and after.layer != row.layer else 0
        tops.append(tops[-1] + _CELL + _CAPTION + space)
    return tops


def _longest(texts) -> int:
    """Letters of the longest line."""
    return max(len(line) for text in texts for line in text.splitlines())


class _Page:
    """A figure whose places are inches from the upper left corner."""

    def __init__(self, width: float, height: float):
        self.width, self._height = width, height
        self.figure = Figure(figsize=(width, height))

    def write(self, x: float, y: float, text: str, size: float = 7.5, **style) -> None:
        """Writes text."""
        self.figure.text(x / self.width, 1 - y / self._height, text, fontsize=size, **style)

    def show(self, x: float, y: float, pixels: np.ndarray, below: str) -> None:
        """Shows a region with its caption."""
        bottom = 1 - (y + _CELL) / self._height
        cell = self.figure.add_axes(
            (x / self.width, bottom, _CELL / self.width, _CELL / self._height)
        )
        canvas.bare(cell)
        cell.imshow(pixels)
        cell.set_xlabel(below, fontsize=6.5, labelpad=1.5)
