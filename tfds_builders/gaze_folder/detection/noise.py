"""How noisy a signal is, from sample to sample, and how long a window must be to stand it."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

WINDOWS_MS = (20.0, 30.0, 40.0, 60.0, 80.0, 100.0)
_RAYLEIGH_MEDIAN = math.sqrt(2 * math.log(2))


def measure(xy: npt.NDArray[np.float64]) -> float:
    """Noise of a signal, from sample to sample.

    Steps of white noise along two axes are Rayleigh-distributed; their median is hardly touched by
    the few steps of saccades.

    Args:
        xy: positions on a regular grid, NaN where lost, [n, 2].

    Returns:
        Standard deviation along one axis, in the unit of xy; NaN without two samples in a row.
    """
    across, down = xy[1:, 0] - xy[:-1, 0], xy[1:, 1] - xy[:-1, 1]
    squares = across * across + down * down
    squares = squares[~np.isnan(squares)]
    if not len(squares):
        return math.nan
    middle = [(len(squares) - 1) // 2, len(squares) // 2]
    squares.partition(middle)
    median = np.sqrt(squares[middle]).mean()
    return float(median) / _RAYLEIGH_MEDIAN / math.sqrt(2)


def shortest_window(remaining: Callable[[float], float], allowed: float) -> float:
    """Returns the shortest window in which no more than `allowed` remains of the noise.

    Args:
        remaining: what remains of it in a window of so many milliseconds.
        allowed: in the same unit.

    Returns:
        One of `WINDOWS_MS`, the longest where none is long enough.
    """
    for window in WINDOWS_MS:
        if not remaining(window) > allowed:
            break
    return window
