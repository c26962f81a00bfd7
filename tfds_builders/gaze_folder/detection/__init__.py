"""From samples to fixations: `choose` once a file, `find_fixations` once a presentation."""

import dataclasses
import importlib.metadata
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import fixation_filter, presentation, recording


@dataclasses.dataclass(frozen=True)
class Choice:
    """How the fixations of a file are found."""

    filter: str
    parameters: dict[str, Any]
    reason: str
    suspicions: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Detected:
    """The fixations of a presentation."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    duration_ms: npt.NDArray[np.float64]
    onset_ms: npt.NDArray[np.float64]
    tracked_ms: float
    in_fixations_ms: float
    notes: tuple[str, ...]


def choose(
    presentations: Sequence[presentation.Presentation], facts: recording.Recording
) -> Choice:
    """Chooses."""
    if any(shown.own_fixations is not None for shown in presentations):
        return Choice("tracker", {}, "the file has the tracker's own fixations")
    version = importlib.metadata.version("pymovements")
    parameters = {
        "fixation_algorithm": "I-VT (Salvucci and Goldberg, 2000)",
        "fixation_software": f"pymovements {version}",
        "velocity_threshold_deg_per_s": facts.velocity_threshold,
        "minimum_duration_ms": facts.minimum_duration_ms,
    }
    return Choice("ivt", parameters, "the default")


def find_fixations(
    shown: presentation.Presentation, facts: recording.Recording, choice: Choice
) -> Detected:
    """Finds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x, y = np.nanmean(shown.eyes, axis=1).reshape(-1, 2).T
    step = np.median(np.diff(shown.time_ms)) if len(shown.time_ms) > 1 else 0.0
    tracked = float(np.isfinite(x).sum() * step)
    if choice.filter == "tracker" and shown.own_fixations is not None:
        onset, duration, x, y = shown.own_fixations.T
    else:
        x, y, duration = fixation_filter.detect(shown.time_ms, x, y, facts)
        onset = np.zeros(len(x))
    return Detected(x, y, duration, onset, tracked, float(duration.sum()), ())


def suspect_share(detected: Sequence[Detected]) -> list[str]:
    """Suspects."""
    return []
