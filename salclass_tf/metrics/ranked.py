"""Values of a map in their order."""

import functools

import numpy as np
import numpy.typing as npt

_FEW, _SMALL = 40, 2**14  # comparing fewer levels with more values is quicker than sorting those
_COMPARED = 2**21  # pairs that are compared in one call: 2 MiB of answers


class Ranked:
    """Values among which levels have a place.

    Args:
        values: [m].
        counts: how often each value counts, [m]; None is once.

    Attributes:
        total: how many values there are, all counted.
    """

    def __init__(self, values: np.ndarray, counts: np.ndarray | None = None):
        self._values, self._counts = values, counts
        self.total = values.size if counts is None else counts.sum()

    def below(
        self, levels: np.ndarray, or_equal: bool = False
    ) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
        """Returns how many values lie below each level (or reach at most the level), [n].

        Args:
            levels: of the same type, rising, [n].
            or_equal: count those that equal the level, too.
        """
        if self._counts is not None:
            # The levels that a value lies under are those from its place among them on.
            places = np.searchsorted(levels, self._values, "left" if or_equal else "right")
            return np.cumsum(np.bincount(places, self._counts, levels.size + 1))[:-1]
        if levels.size >= _FEW or self._values.size < _SMALL:
            return np.searchsorted(self._rising, levels, "right" if or_equal else "left")
        compare = np.less_equal if or_equal else np.less
        step = max(1, _COMPARED // self._values.size)
        found = []
        for first in range(0, levels.size, step):
            masks = compare(self._values, levels[first : first + step, np.newaxis])
            found += [np.count_nonzero(mask) for mask in masks]
        return np.array(found, np.int64)

    @functools.cached_property
    def _rising(self) -> np.ndarray:
        return np.sort(self._values)
