"""REMoDNaV, which adapts its thresholds to the noise."""

import logging
from typing import Any

import numpy as np

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import packages, smoothing
from tfds_builders.gaze_folder.detection.signal import Floats, Ints, Signal

ALGORITHM = "REMoDNaV (Dar, Wagner and Hanke, 2021)"
PACKAGE = "remodnav"
_SMOOTHING_MS = 19.0
_NO_PURSUIT = 1e6  # degrees a second: pictures do not move, and a still eye "pursues" at 1000 Hz
_LEAST_MS = 200.0  # shorter stretches are still an eye, and too short for its filters


def parameters(facts: recording.Recording, noise_deg: float, period_ms: float) -> dict[str, Any]:
    """Chooses noise reduction; see `ivt.parameters` for the arguments.

    Returns:
        `savgol_ms` and `noise_reduction_ms`; the other parameters are the package's own.
    """
    # An odd number of samples above the filter's order, 2; others are an error there.
    size = 2 * max(1, round((_SMOOTHING_MS / period_ms - 1) / 2)) + 1
    return {
        "savgol_ms": round(size * period_ms, 3),
        **smoothing.parameters(facts, noise_deg, period_ms),
    }


stands = smoothing.stands


def label(signal: Signal, chosen: dict[str, Any]) -> Ints:
    """Labels fixations.

    Args:
        signal: the samples.
        chosen: of `parameters`.

    Returns:
        A number for each fixation, -1 outside, [n].

    Raises:
        ImportError: if remodnav is not installed.
    """
    package = packages.load(PACKAGE)
    xy = smoothing.smooth(signal, chosen)
    labels, number = np.full(len(xy), -1), 0
    # Stretches: one NaN near an end is an error there.
    for first, last in smoothing.stretches(signal):
        piece = xy[first : last + 1]
        if len(piece) * signal.period_ms < _LEAST_MS:
            labels[first : last + 1] = number
            number += 1
            continue
        for begin, end in _fixations(package, piece, signal.period_ms, chosen["savgol_ms"]):
            labels[first + begin : first + end] = number
            number += 1
    return labels


def _fixations(package, xy: Floats, period_ms: float, savgol_ms: float) -> list[tuple[int, int]]:
    """Begin and end of each fixation in samples without a loss."""
    rate = 1000 / period_ms
    logger = logging.getLogger(PACKAGE)
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of each short parameter at a low rate
    try:
        # Parameters shorter than a sample are no samples there.
        least = {
            name: max(seconds, 1.01 / rate)
            for name, seconds in (("min_saccade_duration", 0.01), ("max_pso_duration", 0.04))
        }
        classifier = package.EyegazeClassifier(
            px2deg=1.0, sampling_rate=rate, pursuit_velthresh=_NO_PURSUIT, **least
        )
        data = np.rec.fromarrays([xy[:, 0].copy(), xy[:, 1].copy()], names=["x", "y"])
        prepared = classifier.preproc(data, savgol_length=(savgol_ms + period_ms / 2) / 1000)
        events = classifier(prepared)
    finally:
        logger.setLevel(level)
    times = [(e["start_time"], e["end_time"]) for e in events if e["label"] == "FIXA"]
    return [(round(begin * rate), round(end * rate)) for begin, end in times]
