"""Fixations in a CSV file: `stem,viewer,index,x,y,duration_ms`, a line each."""

import array
import csv
import dataclasses
import math
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_COLUMNS = ["stem", "viewer", "index", "x", "y", "duration_ms"]
_POINT = "Numbers need a decimal point, not a comma"
_LARGEST = np.iinfo(np.int32).max  # what the sets store for a viewer


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


@dataclasses.dataclass(frozen=True)
class Table:
    """What a file holds.

    Attributes:
        fixations: fixations by stem, in the stems' order.
        skipped: for each line that was left out, where it stands and what is wrong with it.
    """

    fixations: dict[str, Fixations]
    skipped: tuple[str, ...]


def read_table(path: str | os.PathLike) -> dict[str, Fixations]:
    """Reads a table of fixations that must be good in every line.

    Args:
        path: a CSV file in UTF-8 with the header above, commas between columns and points in
            numbers. `stem` is the name of the image file without folders and extension, `index`
            the place of the fixation in its viewer's scanpath.

    Returns:
        Fixations by stem, in the stems' order.

    Raises:
        ValueError: as `scan_table` does.
    """
    return scan_table(path, tolerance=0.0).fixations


def scan_table(path: str | os.PathLike, tolerance: float) -> Table:
    """Reads a table of fixations, without the bad lines if they are few.

    Args:
        path: the file, see `read_table`.
        tolerance: share of the lines, in [0, 1], that may be bad: they are left out and listed.

    Returns:
        The fixations, and the lines left out.

    Raises:
        ValueError: if the header is another one, there is no line, or too many lines are bad:
            of another form, with a number that is not finite, or with the stem, viewer and index
            of an earlier line.
    """
    rows: dict[str, _Rows] = {}
    bad: list[tuple[int, str]] = []
    count = 0
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            lines = csv.reader(file)
            _check_header(next(lines, None), path)
            for count, fields in enumerate(lines, 1):  # noqa: B007
                try:
                    stem, place, numbers = _parse(fields, f"{path}, line {lines.line_num}")
                except ValueError as error:
                    if not tolerance:
                        raise
                    bad.append((lines.line_num, str(error)))
                    continue
                if stem not in rows:
                    rows[stem] = _Rows()
                rows[stem].add(place, numbers, lines.line_num)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} must be a CSV file in UTF-8 ({error}); save it so") from error
    fixations = {}
    for stem in sorted(rows):
        fixations[stem], repeated = rows.pop(stem).join()
        for line, viewer, index in repeated:
            what = f"fixation {index} of viewer {viewer} on {stem}; remove one"
            bad.append((line, f"{path}, line {line} repeats {what}"))
    skipped = [text for _, text in sorted(bad)]
    check_skipped(skipped, count, tolerance)
    if not fixations:
        raise ValueError(f"{path} must hold at least one fixation; it has a header only")
    return Table(fixations, tuple(skipped))


def check_skipped(skipped: Sequence[str], count: int, tolerance: float) -> None:
    """Checks that the lines left out are few.

    Args:
        skipped: what is wrong with each of them.
        count: lines in all.
        tolerance: the share that may be left out, in [0, 1].

    Raises:
        ValueError: if more were; the message has the first one.
    """
    if len(skipped) > tolerance * count:
        raise ValueError(
            f"{skipped[0]}. {len(skipped)} of {count} lines are bad, and only {tolerance:.1%} may "
            "be left out; repair them"
        )


def _check_header(header: list[str] | None, path: str | os.PathLike) -> None:
    """Checks the names of the columns."""
    if header == _COLUMNS:
        return
    missing = [name for name in _COLUMNS if name not in (header or [])]
    remedy = f"Add {', '.join(missing)}" if missing else "Put the columns into this order"
    if header and ";" in header[0]:
        remedy = "Separate columns by commas, and write numbers with points"
    raise ValueError(f"{path} must begin with {','.join(_COLUMNS)}; got {header}. {remedy}")


def _parse(fields: list[str], source: str) -> tuple[str, tuple[int, int], list[float]]:
    """Splits a line into stem, (viewer, index) and x, y, duration."""
    if len(fields) != len(_COLUMNS):
        raise ValueError(
            f"{source} must have {len(_COLUMNS)} fields; got {len(fields)}: {','.join(fields)!r}. "
            f"{_POINT}"
        )
    stem, viewer, index, *numbers = fields
    try:
        place, numbers = (int(viewer), int(index)), [float(number) for number in numbers]
    except ValueError as error:
        raise ValueError(
            f"{source} must hold numbers behind the stem ({error}). {_POINT}"
        ) from error
    if not stem or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{source} must name an image and finite numbers; got {fields}")
    if not -1 <= place[0] <= _LARGEST or abs(place[1]) > _LARGEST:
        raise ValueError(
            f"{source}: viewer must be -1 to {_LARGEST}, index of that size; got {fields}. Number "
            "the people again"
        )
    return stem, place, numbers


class _Rows:
    """The lines of one image, in 56 bytes each: tables of many millions of lines fit."""

    def __init__(self) -> None:
        self._places = array.array("q")  # viewer, index and line of the file
        self._numbers = array.array("d")  # x, y and duration

    def add(self, place: tuple[int, int], numbers: list[float], line: int) -> None:
        """Adds what `_parse` found in a line."""
        self._places.extend((*place, line))
        self._numbers.extend(numbers)

    def join(self) -> tuple[Fixations, list[tuple[int, int, int]]]:
        """Sorts the lines; returns line, viewer and index of those that repeat another one, too."""
        viewer, index, line = np.frombuffer(self._places, np.int64).reshape(-1, 3).T
        order = np.lexsort([index, viewer])  # of equal ones the first line stays first
        same = (np.diff(viewer[order]) == 0) & (np.diff(index[order]) == 0)
        repeats = np.concatenate([[False], same])
        repeated = [(int(line[i]), int(viewer[i]), int(index[i])) for i in order[repeats]]
        kept = order[~repeats]
        x, y, duration_ms = np.frombuffer(self._numbers).reshape(-1, 3)[kept].T
        return Fixations(x, y, duration_ms, viewer[kept]), repeated
