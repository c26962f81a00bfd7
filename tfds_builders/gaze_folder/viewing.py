"""The timeline of a study: which picture was shown to whom, when, and what is left of it."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from tfds_builders.gaze_folder import spool

_FIRST = 5  # how many of a long list are named
_NAMES = ("viewer", "stem", "source")
_COUNTS = ("samples", "fixations")
_NUMBERS = ("onset_ms", "duration_ms", "tracked", "fixated", "scale")
_COLUMNS = (*_NAMES, *_COUNTS, *_NUMBERS)


@dataclasses.dataclass(frozen=True, slots=True)
class Viewing:
    """A presentation of an image without its samples.

    Attributes:
        viewer: name of the person, "" where unknown.
        stem: the image.
        source: file and first line.
        onset_ms: when it appeared, tracker clock.
        duration_ms: how long it was shown.
        samples: how many the tracker took meanwhile.
        tracked: share of the time in which the eye was seen, in [0, 1]; NaN without samples.
        fixations: how many were found.
        fixated: share of the tracked time in fixations; NaN without samples.
        scale: pixels of the image in one pixel of the screen.
    """

    viewer: str
    stem: str
    source: str
    onset_ms: float
    duration_ms: float
    samples: int
    tracked: float
    fixations: int
    fixated: float
    scale: float


class Timeline(Sequence[Viewing]):
    """Presentations in the order in which they were read, on disk."""

    def __init__(self, kept: spool.Spool) -> None:
        """Has none.

        Args:
            kept: where they are.
        """
        self._spool = kept
        kept.write(f"CREATE TABLE viewing ({', '.join(_COLUMNS)})")

    def append(self, one: Viewing) -> None:
        """Adds a presentation.

        Args:
            one: the next one.
        """
        names = (spool.packed(getattr(one, name)) for name in _NAMES)
        counts = (int(getattr(one, name)) for name in _COUNTS)
        numbers = (float(getattr(one, name)) for name in _NUMBERS)
        marks = ", ".join("?" * len(_COLUMNS))
        self._spool.write(f"INSERT INTO viewing VALUES ({marks})", *names, *counts, *numbers)

    def __len__(self) -> int:
        """Number of presentations."""
        return self._spool.row("SELECT COUNT(*) FROM viewing")[0]

    def __getitem__(self, index: int) -> Viewing:
        """Returns the `index`-th presentation."""
        number = range(1, len(self) + 1)[index]
        return _viewing(self._spool.row("SELECT * FROM viewing WHERE rowid = ?", number))

    def __iter__(self) -> Iterator[Viewing]:
        """Returns the presentations."""
        return map(_viewing, self._spool.rows("SELECT * FROM viewing ORDER BY rowid"))

    def viewers(self) -> list[str]:
        """Names of all viewers, those without a fixation too, in their order."""
        found = self._spool.rows("SELECT DISTINCT viewer FROM viewing ORDER BY viewer")
        return [spool.unpacked(viewer) for (viewer,) in found if viewer]

    def fixations(self) -> int:
        """How many fixations were found."""
        return int(self._spool.row("SELECT TOTAL(fixations) FROM viewing")[0])

    def scale(self) -> float:
        """The usual number of pixels of an image in one of the screen; 1 without presentations."""
        count = len(self)
        middle = self._spool.rows(
            "SELECT scale FROM viewing ORDER BY scale LIMIT ? OFFSET ?",
            2 - count % 2,
            max(count - 1, 0) // 2,
        )
        return float(np.mean([scale for (scale,) in middle])) if count else 1.0

    def empty(self) -> tuple[int, list[Viewing]]:
        """How many presentations nobody fixated in, and the first of them."""
        (count,) = self._spool.row("SELECT COUNT(*) FROM viewing WHERE fixations = 0")
        first = self._spool.rows(
            "SELECT * FROM viewing WHERE fixations = 0 ORDER BY rowid LIMIT ?", _FIRST
        )
        return count, [_viewing(row) for row in first]

    def without_fixation(self) -> Iterator[tuple[str, int]]:
        """Viewers who fixated nothing at all, and how many presentations they had."""
        for viewer, count in self._spool.rows(
            "SELECT viewer, COUNT(*) FROM viewing GROUP BY viewer HAVING SUM(fixations) = 0 "
            "ORDER BY MIN(rowid)"
        ):
            yield spool.unpacked(viewer), count

    def again(self) -> Iterator[tuple[str, str, int]]:
        """Known viewers with the images that they were shown more than once, and how often."""
        for viewer, stem, count in self._spool.rows(
            "SELECT viewer, stem, COUNT(*) FROM viewing WHERE viewer != x'' "
            "GROUP BY viewer, stem HAVING COUNT(*) > 1 ORDER BY MIN(rowid)"
        ):
            yield spool.unpacked(viewer), spool.unpacked(stem), count

    def sources(self, viewer: str, stem: str) -> list[str]:
        """Where the first two presentations of an image to a viewer are."""
        found = self._spool.rows(
            "SELECT source FROM viewing WHERE viewer = ? AND stem = ? ORDER BY rowid LIMIT 2",
            spool.packed(viewer),
            spool.packed(stem),
        )
        return [spool.unpacked(source) for (source,) in found]


def table(viewings: Sequence[Viewing], first: int = 40) -> list[str]:
    """Writes the timeline as a table of text.

    Args:
        viewings: in the order in which they were read.
        first: how many lines are shown; the rest is counted.

    Returns:
        Lines, the first with the names of columns; nothing without viewings.
    """
    if not viewings:
        return []
    shown = list(itertools.islice(viewings, first))
    width = max(len(one.stem) for one in shown)
    who = max([6, *(len(one.viewer) for one in shown)])
    head = f"{'viewer':{who}}  {'picture':{max(width, 7)}}"
    lines = [
        f"presentations: {len(viewings)}",
        f"  {head}  {'onset ms':>12}  {'shown ms':>9}  {'samples':>8}  {'tracked':>7}  fixations",
    ]
    for one in shown:
        tracked = "" if np.isnan(one.tracked) else f"{one.tracked:.0%}"
        lines.append(
            f"  {one.viewer:{who}}  {one.stem:{max(width, 7)}}  {one.onset_ms:12.0f}  "
            f"{one.duration_ms:9.0f}  {one.samples:8d}  {tracked:>7}  {one.fixations:9d}"
        )
    if len(viewings) > first:
        lines.append(f"  and {len(viewings) - first} more")
    return lines


def suspect(viewings: Timeline) -> list[str]:
    """Names what is left of nobody, and what was shown twice.

    Args:
        viewings: all of a study.

    Returns:
        A sentence for each suspicion.
    """
    found = []
    count, first = viewings.empty()
    if count:
        found.append(
            f"{count} of {len(viewings)} presentations have no fixation: "
            + "; ".join(
                f"{one.stem} of {one.viewer or 'an unknown viewer'} ({one.source})" for one in first
            )
        )
    found += [
        f"viewer {viewer or 'unknown'} has no fixation in {presentations} presentations"
        for viewer, presentations in viewings.without_fixation()
    ]
    return found + _twice(viewings)


def _twice(viewings: Timeline) -> list[str]:
    """A sentence about pictures that somebody saw again, if there are some."""
    again = viewings.again()
    first = list(itertools.islice(again, _FIRST))
    count = len(first) + sum(1 for _ in again)
    if not count:
        return []
    named = (
        f"{stem} to {viewer} {times} times ({'; '.join(viewings.sources(viewer, stem))})"
        for viewer, stem, times in first
    )
    return [
        f"{count} pictures were shown to a viewer more than once; all count as one scanpath: "
        + "; ".join(named)
    ]


def _viewing(row: tuple) -> Viewing:
    """A row of the database; it has nothing in place of NaN."""
    found = dict(zip(_COLUMNS, row, strict=True))
    found |= {name: spool.unpacked(found[name]) for name in _NAMES}
    found |= {name: np.nan for name in _NUMBERS if found[name] is None}
    return Viewing(**found)
