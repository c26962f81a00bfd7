"""I-DT, identification by dispersion threshold.

Own code: the I-DT of pymovements 0.28.0 counts the first sample of the next fixation as the last
of one, returns fixations shorter than its minimum, and takes whole milliseconds only.
"""

from typing import Any

import numpy as np

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import smoothing
from tfds_builders.gaze_folder.detection.signal import Floats, Ints, Signal, runs

ALGORITHM = "I-DT (Salvucci and Goldberg, 2000)"
PACKAGE = None


def parameters(facts: recording.Recording, noise_deg: float, period_ms: float) -> dict[str, Any]:
    """Chooses noise reduction; see `ivt.parameters` for the arguments.

    Returns:
        `dispersion_threshold_deg`, `minimum_window_ms` and `noise_reduction_ms`.
    """
    return {
        "dispersion_threshold_deg": facts.dispersion_threshold,
        "minimum_window_ms": facts.minimum_duration_ms,
        **smoothing.parameters(facts, noise_deg, period_ms),
    }


stands = smoothing.stands


def label(signal: Signal, chosen: dict[str, Any]) -> Ints:
    """Labels windows whose dispersion is small (Salvucci and Goldberg, 2000, Sec. 3.3).

    Dispersion is the range of x plus that of y. A window of the shortest duration moves on until
    it is small, and then takes in samples as long as it stays so.

    Args:
        signal: the samples.
        chosen: of `parameters`.

    Returns:
        A number for each window, -1 for samples in none, [n].
    """
    xy = smoothing.smooth(signal, chosen)
    labels = np.full(len(xy), -1)
    least = signal.samples(chosen["minimum_window_ms"], least=2)
    number = 0
    for first, last in zip(*runs(signal.stretch >= 0), strict=True):
        for begin, end in _windows(xy[first : last + 1], least, chosen["dispersion_threshold_deg"]):
            labels[first + begin : first + end] = number
            number += 1
    return labels


def _windows(xy: Floats, least: int, threshold: float) -> list[tuple[int, int]]:
    """Begin and end of each window in samples without a loss."""
    points = xy.tolist()
    found, begin = [], 0
    while begin + least <= len(points):
        end = begin + least
        x, y = zip(*points[begin:end], strict=True)
        left, right, top, bottom = min(x), max(x), min(y), max(y)
        if right - left + bottom - top > threshold:
            begin += 1
            continue
        while end < len(points):
            here = points[end]
            left, right = min(left, here[0]), max(right, here[0])
            top, bottom = min(top, here[1]), max(bottom, here[1])
            if right - left + bottom - top > threshold:
                break
            end += 1
        found.append((begin, end))
        begin = end
    return found
