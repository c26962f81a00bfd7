"""Fixations in a CSV file: `stem,viewer,index,x,y,duration_ms`, a line each."""

import csv
import dataclasses
import math
import os

import numpy as np
import numpy.typing as npt

_COLUMNS = ["stem", "viewer", "index", "x", "y", "duration_ms"]


@dataclasses.dataclass(frozen=True)
class Fixations:
    """Fixations on one image, viewer after viewer, in order of their index.

    Attributes:
        x: column, 0-based, pixels of the original image, float64 [n].
        y: row, likewise, float64 [n].
        duration_ms: milliseconds, -1 where unknown, float64 [n].
        viewer: number of the person, -1 where unknown, int [n].
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    duration_ms: npt.NDArray[np.float64]
    viewer: npt.NDArray[np.int64]


def read_table(path: str | os.PathLike) -> dict[str, Fixations]:
    """Reads a table of fixations.

    Args:
        path: a CSV file in UTF-8 with the header above, commas between columns and points in
            numbers. `stem` is the name of the image file without folders and extension, `index`
            the place of the fixation in its viewer's scanpath.

    Returns:
        Fixations by stem, in the stems' order.

    Raises:
        ValueError: if the header or a line is of another form, a number is not finite, two lines
            have the same stem, viewer and index, or there is no line.
    """
    rows: dict[str, dict[tuple[int, int], list[float]]] = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        if (header := next(lines, None)) != _COLUMNS:
            raise ValueError(f"{path} must begin with {','.join(_COLUMNS)}; got {header}")
        for fields in lines:
            stem, place, numbers = _parse(fields, f"{path}, line {lines.line_num}")
            if place in rows.setdefault(stem, {}):
                raise ValueError(
                    f"{path}, line {lines.line_num} repeats fixation {place[1]} of viewer "
                    f"{place[0]} on {stem}; remove one"
                )
            rows[stem][place] = numbers
    if not rows:
        raise ValueError(f"{path} must hold at least one fixation; it has a header only")
    return {stem: _join(rows[stem]) for stem in sorted(rows)}


def _parse(fields: list[str], source: str) -> tuple[str, tuple[int, int], list[float]]:
    """Splits a line into stem, (viewer, index) and x, y, duration."""
    if len(fields) != len(_COLUMNS):
        raise ValueError(
            f"{source} must have {len(_COLUMNS)} fields; got {len(fields)}: {','.join(fields)!r}. "
            "Numbers need a decimal point, not a comma"
        )
    stem, viewer, index, *numbers = fields
    try:
        place, numbers = (int(viewer), int(index)), [float(number) for number in numbers]
    except ValueError as error:
        raise ValueError(f"{source} must hold numbers behind the stem ({error})") from error
    if not stem or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{source} must name an image and finite numbers; got {fields}")
    return stem, place, numbers


def _join(rows: dict[tuple[int, int], list[float]]) -> Fixations:
    """Sorts the fixations of one image into columns."""
    places = sorted(rows)
    x, y, duration_ms = np.array([rows[place] for place in places]).T
    return Fixations(x, y, duration_ms, np.array([viewer for viewer, _ in places]))
