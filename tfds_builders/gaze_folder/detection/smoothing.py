"""Noise reduction by a moving median, which keeps the edges of fixations (Olsen, 2012)."""

import math
from typing import Any

import numpy as np
import scipy.ndimage

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import noise
from tfds_builders.gaze_folder.detection.signal import Floats, Signal, runs

_STILL_DEG = 0.1
_MUCH_DEG = 0.2
_MEDIAN = math.sqrt(math.pi / 2)  # deviation of a median over that of a mean, of white noise


def parameters(facts: recording.Recording, noise_deg: float, period_ms: float) -> dict[str, Any]:
    """Chooses the window: the shortest that leaves a noise of 0.1 degrees.

    Args:
        facts: what the user gave comes first.
        noise_deg: standard deviation from sample to sample along an axis.
        period_ms: time between samples.

    Returns:
        `noise_reduction_ms`; 0 for none.
    """
    if facts.noise_reduction_ms is not None:
        return {"noise_reduction_ms": facts.noise_reduction_ms}
    if not noise_deg > _STILL_DEG:
        return {"noise_reduction_ms": 0.0}

    def remaining(window_ms: float) -> float:
        return _remaining(window_ms, noise_deg, period_ms)

    return {"noise_reduction_ms": noise.shortest_window(remaining, _STILL_DEG)}


def stands(chosen: dict[str, Any], noise_deg: float, period_ms: float) -> bool:
    """Whether little enough noise remains; see `ivt.stands` for the arguments."""
    return _remaining(chosen["noise_reduction_ms"], noise_deg, period_ms) <= _MUCH_DEG


def smooth(signal: Signal, chosen: dict[str, Any]) -> Floats:
    """Takes the median of the samples around each, within its stretch.

    Args:
        signal: the samples.
        chosen: of `parameters`.

    Returns:
        Degrees, NaN in losses that are not filled, [n, 2].
    """
    xy = signal.xy.copy()
    if not chosen["noise_reduction_ms"]:
        return xy
    size = _size(chosen["noise_reduction_ms"], signal.period_ms)
    for first, last in stretches(signal):
        piece = xy[first : last + 1]
        xy[first : last + 1] = scipy.ndimage.median_filter(piece, (size, 1), mode="nearest")
    return xy


def stretches(signal: Signal) -> list[tuple[int, int]]:
    """First and last row of each stretch."""
    found = []
    for first, last in zip(*runs(signal.stretch >= 0), strict=True):
        cuts = first + 1 + np.flatnonzero(np.diff(signal.stretch[first : last + 1]))
        found += zip([first, *cuts], [*(cuts - 1), last], strict=True)
    return found


def _remaining(window_ms: float, noise_deg: float, period_ms: float) -> float:
    """Noise that a moving median leaves of white noise, degrees."""
    size = _size(window_ms, period_ms) if window_ms else 1
    return noise_deg * (_MEDIAN / math.sqrt(size) if size > 1 else 1.0)


def _size(window_ms: float, period_ms: float) -> int:
    """Samples of a window, an odd number from 3."""
    return 2 * max(1, round((window_ms / period_ms - 1) / 2)) + 1
