"""Finding of recordings that are there twice."""

import hashlib

import numpy as np

from tfds_builders.gaze_folder import presentation, sources

_ENOUGH = 20  # changes of place by which gaze is known again
_RECENT = 2000  # digests that wait to be sorted among the others, or an eighth of these


class Copies:
    """Remembers gaze by digests of 64 bits.

    Of a million presentations two have one digest by chance in 3 of 100 million studies.
    """

    def __init__(self) -> None:
        """Remembers nothing."""
        self._sources = sources.Sources()
        self._recent: dict[int, int] = {}
        self._digests = np.zeros(0, np.uint64)  # rising
        self._numbers = np.zeros(0, np.uint32)

    def check(self, shown: presentation.Presentation) -> None:
        """Checks that a presentation is no copy.

        Args:
            shown: the next one.

        Raises:
            ValueError: if the same samples, or the same fixations of the tracker, have been seen.
        """
        for what, digest in _digests(shown):
            number = self._find(digest)
            if number is not None:
                raise ValueError(
                    f"{shown.source}: the {what} are those of {self._sources[number]}: one "
                    "recording is there twice; remove one"
                )
            self._recent[digest] = len(self._sources)
            self._sources.append(shown.source)
        if len(self._recent) > max(_RECENT, len(self._digests) // 8):
            self._sort()

    def _find(self, digest: int) -> int | None:
        """The number of a digest's source, if it has been seen."""
        if digest in self._recent:
            return self._recent[digest]
        place = np.searchsorted(self._digests, np.uint64(digest))
        if place < len(self._digests) and self._digests[place] == digest:
            return int(self._numbers[place])
        return None

    def _sort(self) -> None:
        """Moves recent digests to the others."""
        count = len(self._recent)
        digests = np.concatenate(
            [self._digests, np.fromiter(self._recent.keys(), np.uint64, count)]
        )
        numbers = np.concatenate(
            [self._numbers, np.fromiter(self._recent.values(), np.uint32, count)]
        )
        order = np.argsort(digests)
        self._digests, self._numbers = digests[order], numbers[order]
        self._recent = {}


def _digests(shown: presentation.Presentation) -> list[tuple[str, int]]:
    """Of enough gaze that it is no chance; the ends of fixations may have been cut."""
    found = []
    steps = np.diff(shown.eyes[:, 0, 0])
    if np.count_nonzero(np.abs(steps) > 0) >= _ENOUGH:
        clock = shown.time_ms - shown.time_ms[0]
        found.append(("samples", _digest(clock, shown.eyes)))
    if shown.own_fixations is not None and len(shown.own_fixations) >= 5:
        found.append(("tracker's fixations", _digest(shown.own_fixations[1:-1, 1:])))
    return found


def _digest(*numbers: np.ndarray) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for array in numbers:
        digest.update(np.ascontiguousarray(array, np.float32))
    return int.from_bytes(digest.digest(), "little")
