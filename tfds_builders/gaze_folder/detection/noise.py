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
    steps = np.hypot(*np.diff(xy, axis=0).T)
    steps = steps[~np.isnan(steps)]
    if not len(steps):
        return math.nan
    return float(np.median(steps)) / _RAYLEIGH_MEDIAN / math.sqrt(2)


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
