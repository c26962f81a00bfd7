"""Fixations in a table: `stem,viewer,index,x,y,duration_ms`, a line each."""

import array
import csv
import dataclasses
import itertools
import math
import operator
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfds_builders.common import user_files

UNKNOWN = ("", "-1")
"""How a table writes that a viewer is not known."""

_COLUMNS = ["stem", "viewer", "index", "x", "y", "duration_ms"]
_SEPARATORS = (",", ";", "\t")
_IMAGE = re.compile(r"\.(jpe?g|png)$", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d+")
_POINT = "Numbers need a decimal point, not a comma"
_LARGEST = np.iinfo(np.int32).max  # what the sets store for a viewer


@dataclasses.dataclass(frozen=True)
class Fixations:
    """Fixations on one image, viewer after viewer, in order of their index.

    Attributes:
        x: column, 0-based, pixels of the original image, float64 [n].
        y: row, likewise, float64 [n].
        duration_ms: milliseconds, -1 where unknown, float64 [n].
        viewer: number of the person, -1 where unknown, int [n]. Several unknown people on an image
            are not told apart.
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
        viewer_names: names of the viewers by number, where the file has texts; empty where it has
            numbers.
        notes: what was taken how: columns that were ignored, unknown viewers; sentences.
    """

    fixations: dict[str, Fixations]
    skipped: tuple[str, ...]
    viewer_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_table(path: str | os.PathLike) -> dict[str, Fixations]:
    """Reads a table of fixations that must be good in every line.

    Args:
        path: a text file in UTF-8 with the columns above in this order, others may stand among
            them; separated by commas, semicolons or tabs; as it is or packed by gzip (`.gz`).
            `stem` is the name of the image file, whose folders and extension do not count,
            `viewer` a whole number from 0 on or a name, -1 or nothing if unknown, `index` the
            place of the fixation in its viewer's scanpath.

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
    codes: dict[str, int] = {}
    bad: list[tuple[int, str]] = []
    count = 0
    with user_files.opened_table(path) as file:
        columns, lines = _begin(file, path)
        for count, fields in enumerate(lines, 1):  # noqa: B007
            try:
                found = _parse(fields, columns, f"{path}, line {lines.line_num}")
            except ValueError as error:
                if not tolerance:
                    raise
                bad.append((lines.line_num, str(error)))
                _keep_name(fields, columns, codes)
                continue
            stem, viewer, index, numbers = found
            code = codes.setdefault(viewer, len(codes))
            rows.setdefault(stem, _Rows()).add((code, index), numbers, lines.line_num)
    people, names = _number(codes)
    fixations, crowded = {}, []
    for stem in sorted(rows):
        fixations[stem], repeated, several = rows.pop(stem).join(people)
        crowded += [stem] * several
        for line, viewer, index in repeated:
            who = names[viewer] if names and viewer >= 0 else viewer
            what = f"fixation {index} of viewer {who} on {stem}; remove one"
            bad.append((line, f"{path}, line {line} repeats {what}"))
    skipped = [text for _, text in sorted(bad)]
    check_skipped(skipped, count, tolerance)
    if not fixations:
        raise ValueError(f"{path} must hold at least one fixation; it has a header only")
    notes = (*columns.notes, *_crowd(crowded))
    return Table(fixations, tuple(skipped), names, notes)


def stem_of(name: str) -> str:
    """Returns the stem of an image in a table, which may have folders and an extension.

    Args:
        name: such as `a`, `a.png` or `cats/a.JPG`.

    Returns:
        The name of the file without them, composed: see `user_files.composed`.
    """
    name = user_files.composed(name)
    if not (found := _IMAGE.search(name)):
        return name
    return name[: found.start()].replace("\\", "/").rsplit("/", 1)[-1]


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


@dataclasses.dataclass(frozen=True)
class _Columns:
    """Where a file has what.

    Attributes:
        count: fields of a line.
        pick: takes the six that matter.
        decimal_comma: whether numbers may have one, since something else separates the columns.
        notes: what is ignored.
    """

    count: int
    pick: Callable[[list[str]], tuple[str, ...]]
    decimal_comma: bool
    notes: tuple[str, ...]


def _begin(file: Iterable[str], path: str | os.PathLike) -> tuple[_Columns, Any]:
    """Reads the header; returns the columns and a reader of the lines below."""
    lines = iter(file)
    first, second = next(lines, ""), next(lines, "")
    separator = max(_SEPARATORS, key=first.count)  # the comma if there is none
    if second.strip() and separator in first and separator not in second:
        raise ValueError(
            f"{path} must begin with {','.join(_COLUMNS)}, separated as the lines below are; got "
            f"{first.strip()!r} above {second.strip()!r}. Separate columns by commas"
        )
    reader = csv.reader(itertools.chain(filter(None, [first, second]), lines), delimiter=separator)
    header = next(reader) if first else None
    return _find_columns(header, separator, path), reader


def _find_columns(header: list[str] | None, separator: str, path: str | os.PathLike) -> _Columns:
    """Checks the names of the columns."""
    names = [name.strip().lower() for name in header or []]
    missing = [name for name in _COLUMNS if name not in names]
    remedy = f"Add {', '.join(missing)}" if missing else "Put the columns into this order"
    if [name for name in names if name in _COLUMNS] != _COLUMNS:
        raise ValueError(f"{path} must begin with {','.join(_COLUMNS)}; got {header}. {remedy}")
    extra = [name for name in header or [] if name.strip().lower() not in _COLUMNS]
    notes = (f"columns ignored: {', '.join(extra)}",) if extra else ()
    pick = operator.itemgetter(*(names.index(name) for name in _COLUMNS))
    return _Columns(len(names), pick, separator != ",", notes)


def _parse(fields: list[str], columns: _Columns, source: str) -> tuple[str, str, int, list[float]]:
    """Splits a line into stem, viewer, index and x, y, duration."""
    if len(fields) != columns.count:
        raise ValueError(
            f"{source} must have {columns.count} fields; got {len(fields)}: "
            f"{','.join(fields)!r}. {_POINT}"
        )
    stem, viewer, index, *numbers = columns.pick(fields)
    if columns.decimal_comma:
        numbers = [number.replace(",", ".") for number in numbers]
    try:
        place, numbers = int(index), [float(number) for number in numbers]
    except ValueError as error:
        raise ValueError(
            f"{source} must hold numbers behind the stem and viewer ({error}). {_POINT}"
        ) from error
    if not stem or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{source} must name an image and finite numbers; got {fields}")
    viewer = user_files.composed(viewer.strip())
    person = int(viewer) if _WHOLE.fullmatch(viewer) else 0
    if not -1 <= person <= _LARGEST or abs(place) > _LARGEST:
        raise ValueError(
            f"{source}: viewer must be -1 to {_LARGEST}, index of that size; got {fields}. Number "
            "the people again"
        )
    return stem_of(stem), viewer, place, numbers


def _keep_name(fields: list[str], columns: _Columns, codes: dict[str, int]) -> None:
    """Notes the named viewer of a bad line, who may have no other one."""
    if len(fields) == columns.count:
        viewer = user_files.composed(columns.pick(fields)[1].strip())
        if not _WHOLE.fullmatch(viewer):
            codes.setdefault(viewer, len(codes))


def _number(codes: dict[str, int]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Numbers viewers: by code of their text; and the names by number if one is no number."""
    known = [text for text in codes if text not in UNKNOWN]
    names = () if all(map(_WHOLE.fullmatch, known)) else tuple(sorted(known))
    people = {name: number for number, name in enumerate(names)} or {t: int(t) for t in known}
    return np.array([people.get(text, -1) for text in codes], np.int64), names


def _crowd(stems: Sequence[str]) -> Iterator[str]:
    """States what is made of several people who are all unknown."""
    if stems:
        yield (
            f"viewer unknown: several people on {len(stems)} images, such as {stems[0]}, since "
            "they have fixations of one index; they cannot be told apart"
        )


class _Rows:
    """The lines of one image, in 56 bytes each: tables of many millions of lines fit."""

    def __init__(self) -> None:
        self._places = array.array("q")  # code of the viewer, index and line of the file
        self._numbers = array.array("d")  # x, y and duration

    def add(self, place: tuple[int, int], numbers: list[float], line: int) -> None:
        """Adds what was found in a line."""
        self._places.extend((*place, line))
        self._numbers.extend(numbers)

    def join(
        self, people: npt.NDArray[np.int64]
    ) -> tuple[Fixations, list[tuple[int, int, int]], bool]:
        """Sorts the lines by viewer and index.

        Returns:
            The fixations; line, viewer and index of those that repeat another one; and whether
            several unknown people are among them: whose index occurs again, with other numbers.
        """
        code, index, line = np.frombuffer(self._places, np.int64).reshape(-1, 3).T
        numbers = np.frombuffer(self._numbers).reshape(-1, 3)
        viewer = people[code]
        order = np.lexsort([*numbers.T * (viewer < 0), index, viewer])  # the first line stays first
        same = (np.diff(viewer[order]) == 0) & (np.diff(index[order]) == 0)
        alike = (np.diff(numbers[order], axis=0) == 0).all(axis=1)
        others = same & ~alike & (viewer[order][1:] < 0)
        repeats = np.concatenate([[False], same & ~others])
        repeated = [(int(line[i]), int(viewer[i]), int(index[i])) for i in order[repeats]]
        kept = order[~repeats]
        kept = kept[np.lexsort([line[kept], index[kept], viewer[kept]])]
        x, y, duration_ms = numbers[kept].T
        return Fixations(x, y, duration_ms, viewer[kept]), repeated, bool(others.any())
