"""The timeline of a study: which picture was shown to whom, when, and what is left of it."""

import array
import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from tfds_builders.gaze_folder import sources

_COLUMNS = {"onset_ms": "d", "duration_ms": "d", "samples": "I", "tracked": "d"}
_COLUMNS |= {"fixations": "I", "fixated": "d"}


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


class Timeline(Sequence[Viewing]):
    """Presentations in the order in which they were read; 60 bytes for each."""

    def __init__(self) -> None:
        """Has none."""
        self._names: dict[str, int] = {}
        self._by_number: list[str] = []
        self._viewers = array.array("i")
        self._stems = array.array("i")
        self._sources = sources.Sources()
        self._columns = {name: array.array(code) for name, code in _COLUMNS.items()}

    def append(self, one: Viewing) -> None:
        """Adds a presentation.

        Args:
            one: the next one.
        """
        self._viewers.append(self._number(one.viewer))
        self._stems.append(self._number(one.stem))
        self._sources.append(one.source)
        for name, column in self._columns.items():
            column.append(getattr(one, name))

    def __len__(self) -> int:
        """Number of presentations."""
        return len(self._viewers)

    def __getitem__(self, index: int) -> Viewing:
        """Returns the `index`-th presentation."""
        return Viewing(
            viewer=self._by_number[self._viewers[index]],
            stem=self._by_number[self._stems[index]],
            source=self._sources[index],
            **{name: column[index] for name, column in self._columns.items()},
        )

    def _number(self, name: str) -> int:
        """The number of a viewer's or image's name."""
        number = self._names.setdefault(name, len(self._names))
        if number == len(self._by_number):
            self._by_number.append(name)
        return number


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


def suspect(viewings: Sequence[Viewing]) -> list[str]:
    """Names what is left of nobody, and what was shown twice.

    Args:
        viewings: all of a study.

    Returns:
        A sentence for each suspicion.
    """
    found = []
    empty: list[str] = []
    counts: dict[str, list[int]] = {}
    seen: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(viewings):
        counts.setdefault(one.viewer, []).append(one.fixations)
        if one.viewer:
            seen.setdefault((one.viewer, one.stem), []).append(number)
        if not one.fixations:
            empty.append(f"{one.stem} of {one.viewer or 'an unknown viewer'} ({one.source})")
    if empty:
        found.append(
            f"{len(empty)} of {len(viewings)} presentations have no fixation: "
            + "; ".join(empty[:5])
        )
    for viewer, fixations in counts.items():
        if not sum(fixations):
            name = viewer or "unknown"
            found.append(f"viewer {name} has no fixation in {len(fixations)} presentations")
    again = [(*who, numbers) for who, numbers in seen.items() if len(numbers) > 1]
    if again:
        found.append(
            f"{len(again)} pictures were shown to a viewer more than once; all count as one "
            "scanpath: "
            + "; ".join(
                f"{stem} to {viewer} {len(numbers)} times ({viewings[numbers[0]].source}; "
                f"{viewings[numbers[1]].source})"
                for viewer, stem, numbers in again[:5]
            )
        )
    return found
