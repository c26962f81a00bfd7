"""Fixations between saccades that are found by an elliptic threshold of velocities."""

from typing import Any

import numpy as np

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import packages, smoothing
from tfds_builders.gaze_folder.detection.signal import Ints, Signal

ALGORITHM = "saccades by elliptic threshold (Engbert and Kliegl, 2003)"
PACKAGE = "pymovements"
_LEAST_SAMPLES = 5  # of a velocity


def parameters(facts: recording.Recording, noise_deg: float, period_ms: float) -> dict[str, Any]:
    """Chooses noise reduction; see `ivt.parameters` for the arguments.

    Returns:
        `threshold_factor` (lambda), `minimum_saccade_ms` and `noise_reduction_ms`.
    """
    return {
        "threshold_factor": facts.saccade_threshold_factor,
        "minimum_saccade_ms": 6.0,  # 3 samples at 500 Hz, as published
        **smoothing.parameters(facts, noise_deg, period_ms),
    }


stands = smoothing.stands


def label(signal: Signal, chosen: dict[str, Any]) -> Ints:
    """Labels samples outside of saccades.

    Args:
        signal: the samples.
        chosen: of `parameters`.

    Returns:
        0, and -1 in saccades, [n].

    Raises:
        ImportError: if pymovements is not installed.
    """
    pymovements = packages.load(PACKAGE)
    xy = smoothing.smooth(signal, chosen)
    labels = np.where(signal.stretch >= 0, 0, -1)
    velocities = np.full(xy.shape, np.nan)
    for first, last in smoothing.stretches(signal):
        if last - first >= _LEAST_SAMPLES:
            velocities[first : last + 1] = pymovements.transforms.numpy.pos2vel(
                arr=xy[first : last + 1], sampling_rate=1000 / signal.period_ms, method="smooth"
            )
    if np.isnan(velocities).all():
        return labels
    with np.errstate(invalid="ignore", divide="ignore"):
        saccades = pymovements.events.microsaccades(
            velocities,
            timesteps=signal.period_ms * np.arange(len(xy)),
            minimum_duration=chosen["minimum_saccade_ms"],
            threshold="engbert2015",
            threshold_factor=chosen["threshold_factor"],
            minimum_threshold=0.0,  # of gaze that stands perfectly still
        )
    for begin, end in saccades.frame.select("onset", "offset").iter_rows():
        begin, end = (round(time / signal.period_ms) for time in (begin, end))
        labels[begin : end + 1] = -1
    return labels
