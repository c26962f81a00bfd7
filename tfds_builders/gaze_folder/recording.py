"""What the files of a folder cannot tell: `recording.json`, how the gaze was recorded."""

import dataclasses
import json
import math
import os
import pathlib
from typing import Any

FILE = "recording.json"
_NUMBERS = {"viewing_time_s", "sigma_px", "pixels_per_degree", "velocity_threshold"}
_NUMBERS |= {"minimum_duration_ms", "maximum_gap_ms", "velocity_window_ms"}
_NUMBERS |= {"screen_width_px", "screen_height_px"}
_NUMBERS |= {"sampling_rate_hz", "screen_width_cm", "viewing_distance_cm"}


@dataclasses.dataclass(frozen=True)
class Recording:
    """Facts of a recording; the last four are parameters of fixation detection.

    Attributes:
        task: what the viewers did, such as "free viewing" or "classification".
        tracker: name of the eye tracker.
        viewing_time_s: seconds that an image was shown.
        sigma_px: Gaussian sigma for heat maps, in pixels of the images; see `Study.sigma_px` for
            what stands in for None.
        pixels_per_degree: pixels of the screen in one degree of visual angle; samples need it.
        screen_width_px: width of the screen in pixels.
        screen_height_px: its height.
        sampling_rate_hz: samples a second.
        screen_width_cm: width of the screen's lit area.
        viewing_distance_cm: from the eye to the screen.
        velocity_threshold: degrees of visual angle per second; slower eyes fixate. 30 is what
            Tobii's filter takes (Olsen, 2012).
        minimum_duration_ms: shorter fixations are dropped.
        maximum_gap_ms: samples further apart belong to different fixations: a blink.
        velocity_window_ms: time over which a velocity is measured.
    """

    task: str | None = None
    tracker: str | None = None
    viewing_time_s: float | None = None
    sigma_px: float | None = None
    pixels_per_degree: float | None = None
    screen_width_px: float | None = None
    screen_height_px: float | None = None
    sampling_rate_hz: float | None = None
    screen_width_cm: float | None = None
    viewing_distance_cm: float | None = None
    velocity_threshold: float = 30.0
    minimum_duration_ms: float = 60.0
    maximum_gap_ms: float = 75.0
    velocity_window_ms: float = 20.0


def read_recording(root: str | os.PathLike) -> Recording:
    """Reads `recording.json`.

    Args:
        root: the folder in which it may lie.

    Returns:
        Its facts, and the defaults for what it does not say.

    Raises:
        ValueError: if it is no JSON object, has a key that is none of `Recording`'s, or a number
            that is not above 0.
    """
    path = pathlib.Path(root) / FILE
    if not path.exists():
        return Recording()
    try:
        facts = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} must be a JSON file ({error}); repair it") from error
    known = [field.name for field in dataclasses.fields(Recording)]
    if not isinstance(facts, dict) or set(facts) - set(known):
        raise ValueError(
            f"{path} must be an object with keys among {', '.join(known)}; got {facts}"
        )
    for key, value in facts.items():
        _check(path, key, value)
    return Recording(**facts)


def _check(path: pathlib.Path, key: str, value: Any) -> None:
    """Checks one entry of the file."""
    if key not in _NUMBERS:
        if not isinstance(value, str):
            raise ValueError(f"{path}: `{key}` must be text in quotes; got {value!r}")
    # bool is a kind of int; and Python's JSON reader accepts NaN and Infinity.
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{path}: `{key}` must be a number above 0, without quotes; got {value!r}")
