"""I-VT, identification by velocity threshold, with a window as long as the noise asks for.

Own code: the I-VT of pymovements 0.28.0 has neither gap filling nor noise reduction nor merging,
and fixates through pauses between recordings.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import noise, segments
from tfds_builders.gaze_folder.detection.signal import Floats, Ints, Signal

ALGORITHM = "I-VT (Salvucci and Goldberg, 2000; Olsen, 2012)"
PACKAGE = None
_THRESHOLD = 30.0  # degrees a second (Olsen, 2012)
_FACTOR = 6.0  # of the noise of velocities below the threshold (Engbert and Kliegl, 2003)
_NEAR_DEG = 0.1
_LONG_WINDOW_MS = 60.0


def parameters(facts: recording.Recording, noise_deg: float, period_ms: float) -> dict[str, Any]:
    """Chooses window and threshold.

    The window is the shortest in which 6 standard deviations of the velocity of a still eye are
    below the threshold; where none is, the threshold rises to them.

    Args:
        facts: what the user gave comes first.
        noise_deg: standard deviation from sample to sample along an axis.
        period_ms: time between samples.

    Returns:
        `velocity_threshold_deg_per_s` and `velocity_window_ms`.
    """
    threshold = facts.velocity_threshold or _THRESHOLD

    def needed(window_ms: float) -> float:
        return _FACTOR * _velocity_noise(window_ms, noise_deg, period_ms)

    window = facts.velocity_window_ms or noise.shortest_window(needed, threshold)
    if facts.velocity_threshold is None and needed(window) > threshold:
        threshold = round(needed(window), 1)
    return {"velocity_threshold_deg_per_s": threshold, "velocity_window_ms": window}


def stands(chosen: dict[str, Any], noise_deg: float, period_ms: float) -> bool:
    """Whether the usual threshold needs no window that is longer than a short saccade.

    Args:
        chosen: of `parameters`.
        noise_deg: standard deviation from sample to sample along an axis.
        period_ms: time between samples.
    """
    window = min(chosen["velocity_window_ms"], _LONG_WINDOW_MS)
    return _FACTOR * _velocity_noise(window, noise_deg, period_ms) <= _THRESHOLD


def _velocity_noise(window_ms: float, noise_deg: float, period_ms: float) -> float:
    """Standard deviation along an axis of what `speed` makes of white noise, degrees a second."""
    half = max(1, round(window_ms / 2 / period_ms))
    return noise_deg * math.sqrt(2 / half) / ((half + 1) * period_ms / 1000)


def label(signal: Signal, chosen: dict[str, Any]) -> Ints:
    """Labels samples that are slower than the threshold (Salvucci and Goldberg, 2000, Sec. 3.1).

    Args:
        signal: the samples.
        chosen: of `parameters`.

    Returns:
        A number for each run of slow samples, -1 for others, [n].
    """
    half = signal.samples(chosen["velocity_window_ms"] / 2)
    with np.errstate(invalid="ignore"):
        slow = speed(signal, half) < chosen["velocity_threshold_deg_per_s"]
    found = segments.from_labels(np.where(slow, 0, -1), signal)
    return segments.extend(found, signal, half + 1, _NEAR_DEG).labels(signal)


def speed(signal: Signal, half: int) -> Floats:
    """Speed at each sample: the mean of the next `half` samples less that of the last ones.

    Both means are noise reduction (Olsen, 2012, "moving average"). Where one side has no sample,
    the sample itself stands for it.

    Args:
        signal: the samples.
        half: samples on either side.

    Returns:
        Degrees a second, NaN where it cannot be measured, [n].
    """
    time = signal.time_ms - signal.time_ms[:1].sum()
    columns = (time, *signal.xy.T)
    sums = (signal.sums(time), *signal.place_sums)
    means = []
    for count, *totals in zip(
        *(_on_sides(s, half) for s in (signal.seen_sums, *sums)), strict=True
    ):
        empty = np.flatnonzero(count == 0)
        count[empty] = 1
        means.append([total / count for total in totals])
        for mean, values in zip(means[-1], columns, strict=True):
            mean[empty] = values[empty]
    time, x, y = (after - before for before, after in zip(*means, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1000 * np.hypot(x, y) / time


def _on_sides(sums: npt.NDArray, half: int) -> tuple[npt.NDArray, npt.NDArray]:
    """Sums over the `half` rows before each, and over those behind it; fewer at the ends.

    Args:
        sums: over the rows before each row, and over all, [n + 1].
        half: rows on either side.

    Returns:
        Two arrays, [n].
    """
    wide = np.pad(sums, half, mode="edge")
    count = len(sums) - 1
    before = sums[:-1] - wide[:count]
    return before, wide[2 * half + 1 :] - sums[1:]
