"""Fixations of one presentation."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import choice as choices
from tfds_builders.gaze_folder.detection import eyes, filters, segments
from tfds_builders.gaze_folder.detection.signal import spread
from tfds_builders.gaze_folder.presentation import Presentation

ENOUGH = 0.6
"""Share of the tracked time that people spend in fixations at least."""

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Detected:
    """Fixations on the screen, in order of time; arrays are float64 [k].

    Attributes:
        x: column, pixels of the screen, 0-based, the mean of its samples.
        y: row, likewise.
        duration_ms: from the first to the last sample, and one sample period.
        onset_ms: time of the first sample, tracker clock.
        tracked_ms: how long an eye was seen.
        in_fixations_ms: how long of that it fixated.
        notes: what was found out on the way, sentences.
    """

    x: Floats
    y: Floats
    duration_ms: Floats
    onset_ms: Floats
    tracked_ms: float
    in_fixations_ms: float
    notes: tuple[str, ...]


def find_fixations(
    shown: Presentation, facts: recording.Recording, choice: choices.Choice
) -> Detected:
    """Finds the fixations of a viewer on an image.

    Args:
        shown: what was recorded.
        facts: how.
        choice: of `choose` for its file.

    Returns:
        The fixations.

    Raises:
        ValueError: if the tracker's own fixations are chosen and the presentation has none.
    """
    gaze = eyes.join(shown.eyes)
    if choice.filter == filters.TRACKER:
        return _own(shown, gaze)
    signal = choices.signal_of(shown, gaze.xy, facts)
    parameters = choice.parameters
    labels = filters.OURS[choice.filter].label(signal, parameters)
    found = segments.from_labels(labels, signal)
    found = segments.merge(
        found, signal, parameters["merge_gap_ms"], parameters["merge_distance_deg"]
    )
    found = segments.drop_short(found, signal, parameters["minimum_duration_ms"])
    x, y = (mean * parameters["pixels_per_degree"] for mean in found.mean_places(signal))
    return Detected(
        x=x,
        y=y,
        duration_ms=found.duration_ms(signal),
        onset_ms=signal.time_ms[found.first],
        tracked_ms=float(signal.seen.sum() * signal.period_ms),
        in_fixations_ms=float(found.counts(signal).sum() * signal.period_ms),
        notes=gaze.notes,
    )


def suspect_share(detected: Sequence[Detected]) -> list[str]:
    """Suspects fixations that hold too little of the time.

    Args:
        detected: all of a recording.

    Returns:
        A sentence if less than 60 % of the tracked time is in fixations, otherwise nothing.
    """
    tracked = sum(found.tracked_ms for found in detected)
    share = sum(found.in_fixations_ms for found in detected) / tracked if tracked else 1.0
    if share >= ENOUGH:
        return []
    return [
        f"only {share:.0%} of the tracked time is in fixations; of people who look at pictures it "
        "is 80 to 95 %. Check `pixels_per_degree`, and compare other filters (--filter)"
    ]


def _own(shown: Presentation, gaze: eyes.Gaze) -> Detected:
    """The tracker's own fixations, unchanged, but for those of a lost eye."""
    if shown.own_fixations is None:
        raise ValueError(
            f"{shown.source}: no fixations of the tracker's own for {shown.stem}, which "
            f"other presentations have; set `filter` in {recording.FILE} to another, such as "
            f"{choices.DEFAULT}"
        )
    own = np.asarray(shown.own_fixations, np.float64).reshape(-1, 4)
    lost = np.isnan(eyes.mark_lost(own[:, np.newaxis, 2:])[0][:, 0, 0])
    onset, duration, x, y = own[~lost].T
    notes = gaze.notes
    if lost.any():
        notes += (f"{lost.sum()} fixations of the tracker's own are at marks of a lost eye",)
    seen = ~np.isnan(gaze.xy[:, 0])
    if len(seen):
        _, period = spread(shown.time_ms, shown.sampling_rate_hz)
        begun = np.searchsorted(np.sort(onset), shown.time_ms, side="right")
        ended = np.searchsorted(np.sort(onset + duration), shown.time_ms, side="right")
        tracked = float(seen.sum() * period)
        inside = float((seen & (begun > ended)).sum() * period)
    else:
        tracked, inside = float(shown.offset_ms - shown.onset_ms), float(duration.sum())
    return Detected(x, y, duration, onset, tracked, inside, notes)
