"""Durations of any number of fixations, as how often each was seen."""

import collections

import numpy as np
import numpy.typing as npt

_STEPS = 10  # of a millisecond; trackers measure none that is shorter than half of one


class DurationTally:
    """How often fixations lasted how long, to a tenth of a millisecond.

    Its size goes with the number of different durations, not with that of fixations.
    """

    def __init__(self) -> None:
        """Begins with none."""
        self._counts: collections.Counter[int] = collections.Counter()

    def add(self, duration_ms: npt.NDArray[np.floating]) -> None:
        """Counts durations.

        Args:
            duration_ms: milliseconds, [n]; those below 0 are unknown and left out.
        """
        known = np.rint(duration_ms[duration_ms >= 0] * _STEPS)
        values, counts = np.unique(known, return_counts=True)
        self._counts.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def median(self) -> float | None:
        """Returns the median, ms, to a tenth; None if no duration is known."""
        if not self._counts:
            return None
        values = np.array(sorted(self._counts))
        ends = np.cumsum([self._counts[value] for value in values])
        middle = np.searchsorted(ends, [(ends[-1] - 1) // 2, ends[-1] // 2], side="right")
        return float(values[middle].mean()) / _STEPS
