"""Which filter finds the fixations of a file, with which parameters, and why."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import eyes, filters, packages, repeats
from tfds_builders.gaze_folder.detection.signal import Signal, make_signal
from tfds_builders.gaze_folder.presentation import Presentation

DEFAULT, SLOW = "ivt", "idt"
_SLOW_HZ = 40.0  # below which two samples of a velocity are further apart than a saccade takes
_LITTLE_NOISE_DEG = 0.05
_MERGE_DEG, _MERGE_CLEAN_DEG = 0.5, 0.3
_MEASURED = 100_000  # samples of a presentation


@dataclasses.dataclass(frozen=True)
class Choice:
    """How fixations are found in a file.

    Attributes:
        filter: one of `recording.FILTERS`.
        parameters: of the filter and of what follows it, and the software, for the metadata.
        reason: why, a sentence.
        suspicions: what makes the fixations doubtful, sentences.
    """

    filter: str
    parameters: dict[str, Any]
    reason: str
    suspicions: tuple[str, ...] = ()


def choose(presentations: Sequence[Presentation], facts: recording.Recording) -> Choice:
    """Chooses a filter for a file.

    What `recording.json` says comes first, then the tracker's own fixations, then I-VT with a
    window as long as sampling rate and noise ask for, or I-DT below 40 Hz.

    Args:
        presentations: some of the file.
        facts: how it was recorded.

    Returns:
        The choice; it is the same for the same presentations.

    Raises:
        ImportError: if the filter needs a package that is not installed.
        ValueError: if `pixels_per_degree` is unknown and the filter needs it, or the tracker's own
            fixations are wanted where the file has none.
    """
    own = [len(s.own_fixations) for s in presentations if s.own_fixations is not None]
    if facts.filter == filters.TRACKER and presentations and not own:
        raise ValueError(
            f"{presentations[0].source}: the file has no fixations of the tracker's own; `filter` "
            f"in {recording.FILE} must be another, such as {DEFAULT}"
        )
    # Columns in which nothing stands are those of a tracker whose filter was off.
    if facts.filter == filters.TRACKER or (facts.filter is None and any(own)):
        said = f"{recording.FILE} says so" if facts.filter else "the file has them"
        reason = f"the tracker's own fixations, since {said}"
        return Choice(filters.TRACKER, {"fixation_algorithm": "the tracker's own"}, reason)
    return _measured(presentations, facts)


def pixels_per_degree(facts: recording.Recording) -> float:
    """Returns the pixels in a degree.

    Raises:
        ValueError: if they are unknown.
    """
    if facts.pixels_per_degree is None:
        raise ValueError(
            f"raw samples need `pixels_per_degree` in {recording.FILE}: viewing distance times "
            "0.01746, divided by the size of a pixel of the screen"
        )
    return facts.pixels_per_degree


def signal_of(shown: Presentation, xy: np.ndarray, facts: recording.Recording) -> Signal:
    """Puts the gaze of a presentation, pixels [n, 2], on the grid, in degrees."""
    return make_signal(
        shown.time_ms,
        xy / pixels_per_degree(facts),
        facts.maximum_gap_ms,
        facts.merge_distance_deg or _MERGE_DEG,
        shown.sampling_rate_hz,
    )


def _measured(presentations: Sequence[Presentation], facts: recording.Recording) -> Choice:
    """A filter with what rate and noise ask for."""
    presentations = [_beginning(shown) for shown in presentations]
    signals = [signal_of(shown, eyes.join(shown.eyes).xy, facts) for shown in presentations]
    deviations = [s.noise_deg for s in signals if not math.isnan(s.noise_deg)]
    deviation = float(np.median(deviations)) if deviations else 0.0
    period = float(np.median([s.period_ms for s in signals])) if signals else 1.0
    name = facts.filter or (SLOW if 1000 / period < _SLOW_HZ else DEFAULT)
    module = filters.OURS[name]
    if module.PACKAGE:
        packages.load(module.PACKAGE)
    own = module.parameters(facts, deviation, period)
    merge = facts.merge_distance_deg or (
        _MERGE_CLEAN_DEG if deviation < _LITTLE_NOISE_DEG else _MERGE_DEG
    )
    parameters = {
        "fixation_algorithm": module.ALGORITHM,
        "fixation_software": packages.version(module.PACKAGE) if module.PACKAGE else "salclass-tf",
        "pixels_per_degree": pixels_per_degree(facts),
        "sampling_rate_hz": round(1000 / period, 2),
        "noise_deg": round(deviation, 4),
        **own,
        "maximum_gap_ms": facts.maximum_gap_ms,
        "merge_gap_ms": facts.merge_gap_ms,
        "merge_distance_deg": merge,
        "minimum_duration_ms": facts.minimum_duration_ms,
    }
    found = f"{1000 / period:.0f} Hz and a noise of {deviation:.2f} degrees from sample to sample"
    settings = ", ".join(f"{key} {value}" for key, value in own.items())
    said = f"{recording.FILE} says so" if facts.filter else "the file has no fixations of its own"
    suspicions = repeats.find(presentations, pixels_per_degree(facts))
    if not module.stands(own, deviation, period):
        suspicions.append(
            f"{found} are more than {name} stands: numbers and durations of fixations depend on "
            "the filter. Compare others (--filter=i2mc stands the most), and look at the "
            "calibration"
        )
    return Choice(
        name, parameters, f"{name}, since {said}; {settings}, for {found}", tuple(suspicions)
    )


def _beginning(shown: Presentation) -> Presentation:
    """As many samples as are enough to measure."""
    return dataclasses.replace(
        shown, time_ms=shown.time_ms[:_MEASURED], eyes=shown.eyes[:_MEASURED]
    )
