"""The timeline of a study: which picture was shown to whom, when, and what is left of it."""

import dataclasses
import hashlib

import numpy as np

from tfds_builders.gaze_folder import presentation

_ENOUGH = 20  # changes of place by which gaze is known again


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


def table(viewings: tuple[Viewing, ...], first: int = 40) -> list[str]:
    """Writes the timeline as a table of text.

    Args:
        viewings: in the order in which they were read.
        first: how many lines are shown; the rest is counted.

    Returns:
        Lines, the first with the names of columns; nothing without viewings.
    """
    if not viewings:
        return []
    width = max(len(one.stem) for one in viewings[:first])
    who = max([6, *(len(one.viewer) for one in viewings[:first])])
    head = f"{'viewer':{who}}  {'picture':{max(width, 7)}}"
    lines = [
        f"presentations: {len(viewings)}",
        f"  {head}  {'onset ms':>12}  {'shown ms':>9}  {'samples':>8}  {'tracked':>7}  fixations",
    ]
    for one in viewings[:first]:
        tracked = "" if np.isnan(one.tracked) else f"{one.tracked:.0%}"
        lines.append(
            f"  {one.viewer:{who}}  {one.stem:{max(width, 7)}}  {one.onset_ms:12.0f}  "
            f"{one.duration_ms:9.0f}  {one.samples:8d}  {tracked:>7}  {one.fixations:9d}"
        )
    if len(viewings) > first:
        lines.append(f"  and {len(viewings) - first} more")
    return lines


def suspect(viewings: tuple[Viewing, ...]) -> list[str]:
    """Names what is left of nobody, and what was shown twice.

    Args:
        viewings: all of a study.

    Returns:
        A sentence for each suspicion.
    """
    found = []
    if empty := [one for one in viewings if not one.fixations]:
        found.append(
            f"{len(empty)} of {len(viewings)} presentations have no fixation: "
            + "; ".join(f"{one.stem} of {_named(one)} ({one.source})" for one in empty[:5])
        )
    counts: dict[str, list[int]] = {}
    for one in viewings:
        counts.setdefault(one.viewer, []).append(one.fixations)
    for viewer, fixations in counts.items():
        if not sum(fixations):
            name = viewer or "unknown"
            found.append(f"viewer {name} has no fixation in {len(fixations)} presentations")
    seen: dict[tuple[str, str], list[Viewing]] = {}
    for one in viewings:
        seen.setdefault((one.viewer, one.stem), []).append(one)
    again = [those for (viewer, _), those in seen.items() if viewer and len(those) > 1]
    if again:
        found.append(
            f"{len(again)} pictures were shown to a viewer more than once; all count as one "
            "scanpath: "
            + "; ".join(
                f"{those[0].stem} to {those[0].viewer} {len(those)} times ({those[0].source}; "
                f"{those[1].source})"
                for those in again[:5]
            )
        )
    return found


class Copies:
    """Remembers gaze, to find what has been read twice."""

    def __init__(self) -> None:
        """Remembers nothing."""
        self._seen: dict[bytes, str] = {}

    def check(self, shown: presentation.Presentation) -> None:
        """Checks that a presentation is no copy.

        Args:
            shown: the next one.

        Raises:
            ValueError: if the same samples, or the same fixations of the tracker, have been seen.
        """
        for what, digest in _digests(shown):
            if digest in self._seen:
                raise ValueError(
                    f"{shown.source}: the {what} are those of {self._seen[digest]}: one recording "
                    "is there twice; remove one"
                )
            self._seen[digest] = shown.source


def _digests(shown: presentation.Presentation) -> list[tuple[str, bytes]]:
    """Of enough gaze that it is no chance; the ends of fixations may have been cut."""
    found = []
    steps = np.diff(shown.eyes[:, 0, 0])
    if np.count_nonzero(np.abs(steps) > 0) >= _ENOUGH:
        clock = shown.time_ms - shown.time_ms[0]
        found.append(("samples", _digest(clock, shown.eyes)))
    if shown.own_fixations is not None and len(shown.own_fixations) >= 5:
        found.append(("tracker's fixations", _digest(shown.own_fixations[1:-1, 1:])))
    return found


def _digest(*numbers: np.ndarray) -> bytes:
    digest = hashlib.blake2b(digest_size=12)
    for array in numbers:
        digest.update(np.ascontiguousarray(array, np.float32))
    return digest.digest()


def _named(one: Viewing) -> str:
    return one.viewer or "an unknown viewer"
