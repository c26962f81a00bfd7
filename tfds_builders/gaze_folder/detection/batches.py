"""Fixations of many short presentations at once, which takes a fraction of the time."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.detection import eyes
from tfds_builders.gaze_folder.detection.choice import Choice
from tfds_builders.gaze_folder.detection.finding import Detected, find_fixations
from tfds_builders.gaze_folder.presentation import Presentation

_LOCAL = ("ivt", "idt")
"""Filters for which a sample tells nothing of one beyond a long loss."""

_SAMPLES = 50_000  # at once
_APART = 10.0  # of the longest time that a filter looks across, between two presentations


def find_all(
    presentations: Iterable[Presentation], facts: recording.Recording, choice: Choice
) -> Iterator[tuple[Presentation, Detected]]:
    """Finds the fixations of the presentations of a file.

    Filters that look at neighbouring samples alone get several presentations as one, with long
    losses between them; only the noise that they measure is then that of all.

    Args:
        presentations: in the file's order; some are held at once.
        facts: how they were recorded.
        choice: of `choose` for the file.

    Yields:
        Each presentation with its fixations, in the order given.

    Raises:
        ValueError: as `find_fixations` does.
    """
    if choice.filter not in _LOCAL:
        for shown in presentations:
            yield shown, find_fixations(shown, facts, choice)
        return
    held: list[Presentation] = []
    samples = 0
    for shown in presentations:
        other_rate = held and shown.sampling_rate_hz != held[0].sampling_rate_hz
        if other_rate or samples > _SAMPLES:
            yield from zip(held, _find(held, facts, choice), strict=True)
            held, samples = [], 0
        held.append(shown)
        samples += len(shown.time_ms)
    yield from zip(held, _find(held, facts, choice), strict=True)


def _find(
    held: Sequence[Presentation], facts: recording.Recording, choice: Choice
) -> list[Detected]:
    """Fixations of each of some presentations."""
    if len(held) < 2:
        return [find_fixations(shown, facts, choice) for shown in held]
    gaze = [eyes.join(shown.eyes) for shown in held]
    apart = _APART * max(facts.maximum_gap_ms, facts.merge_gap_ms)
    lengths = [np.ptp(shown.time_ms) if len(shown.time_ms) else 0.0 for shown in held]
    begins = np.concatenate([[0.0], np.cumsum(np.array(lengths) + apart)[:-1]])
    times = [
        shown.time_ms - shown.time_ms[:1] + begin for shown, begin in zip(held, begins, strict=True)
    ]
    joined = dataclasses.replace(
        held[0],
        time_ms=np.concatenate(times),
        eyes=np.concatenate([one.xy for one in gaze])[:, np.newaxis],
    )
    found = find_fixations(joined, facts, choice)
    whose = np.searchsorted(begins, found.onset_ms, side="right") - 1
    seen = [np.count_nonzero(~np.isnan(one.xy[:, 0])) for one in gaze]
    period = found.tracked_ms / max(sum(seen), 1)
    share = found.in_fixations_ms / max(found.duration_ms.sum(), 1e-9)
    parts = []
    for number, (shown, one) in enumerate(zip(held, gaze, strict=True)):
        mine = whose == number
        start = shown.time_ms[0] - begins[number] if len(shown.time_ms) else 0.0
        parts.append(
            Detected(
                x=found.x[mine],
                y=found.y[mine],
                duration_ms=found.duration_ms[mine],
                onset_ms=found.onset_ms[mine] + start,
                tracked_ms=seen[number] * period,
                in_fixations_ms=float(found.duration_ms[mine].sum() * share),
                notes=one.notes,
            )
        )
    return parts
