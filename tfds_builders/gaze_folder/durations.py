"""The unit in which durations of fixations were written down."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfds_builders.common import fixation_table

KEY = "duration_unit"
"""The entry of `recording.json` that states it."""

MILLISECONDS = {"ms": 1.0, "s": 1e3, "us": 1e-3}
"""Milliseconds in each unit."""

_NAMES = {"s": "seconds", "us": "microseconds"}
_SHORT, _LONG = 5.0, 20_000.0  # medians, ms: no one's fixations are so short, or so long

Gaze = Mapping[str, fixation_table.Fixations]


def to_milliseconds(
    gaze: Gaze, unit: str | None
) -> tuple[dict[str, fixation_table.Fixations], str]:
    """Converts durations to milliseconds.

    Args:
        gaze: fixations by stem, their `duration_ms` as it was written down.
        unit: a key of `MILLISECONDS`; None where nothing is stated: then medians that no eye has in
            milliseconds, below 5 or above 20,000, are those of seconds or microseconds.

    Returns:
        The fixations, and a sentence about what was converted and why; empty if nothing was.
    """
    known = [value.duration_ms[value.duration_ms > 0] for value in gaze.values()]
    middle = float(np.median(np.concatenate(known))) if sum(map(len, known)) else 100.0
    guess = "s" if middle < _SHORT else "us" if middle > _LONG else "ms"
    chosen = unit or guess
    factor = MILLISECONDS[chosen]
    if factor == 1:
        return dict(gaze), ""
    why = f'recording.json states "{KEY}"' if unit else f"their median is {middle:.3g}"
    note = f"durations: converted from {_NAMES[chosen]} to milliseconds, since {why}"
    if not unit:
        note += f'; if that is wrong, add "{KEY}": "ms" to recording.json'
    return {stem: _scale(value, factor) for stem, value in gaze.items()}, note


def _scale(value: fixation_table.Fixations, factor: float) -> fixation_table.Fixations:
    """Multiplies durations, where they are known."""
    durations = np.where(value.duration_ms >= 0, value.duration_ms * factor, value.duration_ms)
    return dataclasses.replace(value, duration_ms=durations)
