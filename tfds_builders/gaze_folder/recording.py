"""What the files of a folder cannot tell: `recording.json`, how the gaze was recorded."""

import dataclasses
import json
import math
import os
import pathlib
from typing import Any

from tfds_builders.gaze_folder import durations
from tfds_builders.gaze_folder.coordinates import KEY, Coordinates, from_facts

FILE = "recording.json"
_NUMBERS = {"viewing_time_s", "sigma_px", "pixels_per_degree", "velocity_threshold"}
_NUMBERS |= {"minimum_duration_ms", "maximum_gap_ms", "velocity_window_ms"}
_NUMBERS |= {"screen_width_px", "screen_height_px"}
_NUMBERS |= {"sampling_rate_hz", "screen_width_cm", "viewing_distance_cm"}
_NUMBERS |= {"merge_gap_ms", "merge_distance_deg", "dispersion_threshold"}
_NUMBERS |= {"noise_reduction_ms", "saccade_threshold_factor"}

GAZE_UNITS = ("pix", "height", "norm")
"""PsychoPy's units in which the window, and so the gaze, may count."""

FILTERS = ("ivt", "idt", "i2mc", "remodnav", "engbert_kliegl", "tracker")
"""How fixations are found."""


@dataclasses.dataclass(frozen=True)
class Recording:
    """Facts of a recording; those from `filter` on say how fixations are found.

    None stands for what is chosen by sampling rate and noise.

    Attributes:
        task: what the viewers did, such as "free viewing" or "classification".
        tracker: name of the eye tracker.
        viewing_time_s: seconds that an image was shown.
        sigma_px: Gaussian sigma for heat maps, in pixels of the images; see `Study.sigma_px` for
            what stands in for None.
        pixels_per_degree: pixels of the screen in one degree of visual angle; samples need it.
        screen_width_px: width of the screen in pixels, for coordinates that are shares of it.
        screen_height_px: its height, likewise.
        sampling_rate_hz: samples a second.
        screen_width_cm: width of the screen's lit area.
        viewing_distance_cm: from the eye to the screen.
        gaze_units: PsychoPy's units of the window, if not pixels: "height" or "norm".
        image_variable: name of the variable in the recording's messages that names the image.
        onset_message: text with which the message begins that an image appeared.
        offset_message: likewise, that it went.
        filter: one of `FILTERS`.
        velocity_threshold: degrees of visual angle per second; slower eyes fixate (`ivt`). By
            default 30, as in Tobii's filter (Olsen, 2012), or more where the noise asks for it.
        velocity_window_ms: time over which a velocity is measured (`ivt`).
        dispersion_threshold: degrees, range of x plus that of y (`idt`).
        saccade_threshold_factor: multiple of the noise of velocities (`engbert_kliegl`).
        noise_reduction_ms: window of a moving median (`idt`, `remodnav`, `engbert_kliegl`).
        minimum_duration_ms: shorter fixations are dropped.
        maximum_gap_ms: longest loss that is filled if the eye did not move in it.
        merge_gap_ms: longest time between fixations that are one.
        merge_distance_deg: largest distance between them; 0.5 as in Tobii's filter, or 0.3 where
            there is little noise.
        coordinates: how points on the images were written down; None for the sets' own way.
        duration_unit: a key of `durations.MILLISECONDS`; None where durations tell it themselves.
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
    gaze_units: str | None = None
    image_variable: str | None = None
    onset_message: str | None = None
    offset_message: str | None = None
    filter: str | None = None
    velocity_threshold: float | None = None
    velocity_window_ms: float | None = None
    dispersion_threshold: float = 1.0
    saccade_threshold_factor: float = 6.0
    noise_reduction_ms: float | None = None
    minimum_duration_ms: float = 60.0
    maximum_gap_ms: float = 75.0
    merge_gap_ms: float = 75.0
    merge_distance_deg: float | None = None
    coordinates: Coordinates | None = None
    duration_unit: str | None = None


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
    facts = {key: _read(path, key, value) for key, value in facts.items()}
    return Recording(**facts)


def set_filter(root: str | os.PathLike, name: str) -> None:
    """Writes the filter into `recording.json`, so that checks and builds use the same.

    Args:
        root: the folder; other entries of the file stay.
        name: one of `FILTERS`.

    Raises:
        ValueError: if it is none of them, or the file is not as `read_recording` wants it.
    """
    path = pathlib.Path(root) / FILE
    _check(path, "filter", name)
    read_recording(root)
    facts = json.loads(path.read_text("utf-8-sig")) if path.exists() else {}
    partial = path.with_name(f".{FILE}.partial")
    partial.write_text(json.dumps(facts | {"filter": name}, indent=2) + "\n", "utf-8")
    os.replace(partial, path)


def _read(path: pathlib.Path, key: str, value: Any) -> Any:
    """Reads one entry of the file."""
    if key != KEY:
        _check(path, key, value)
        return value
    try:
        return from_facts(value)
    except ValueError as error:
        raise ValueError(f"{path}: `{key}`: {error}") from error


def _check(path: pathlib.Path, key: str, value: Any) -> None:
    """Checks one entry of the file."""
    if key not in _NUMBERS:
        if not isinstance(value, str):
            raise ValueError(f"{path}: `{key}` must be text in quotes; got {value!r}")
        if key == "gaze_units" and value not in GAZE_UNITS:
            raise ValueError(
                f"{path}: `{key}` must be one of {', '.join(GAZE_UNITS)}; got {value!r}"
            )
        if key == "filter" and value not in FILTERS:
            raise ValueError(f"{path}: `filter` must be one of {', '.join(FILTERS)}; got {value!r}")
        if key == durations.KEY and value not in durations.MILLISECONDS:
            allowed = ", ".join(durations.MILLISECONDS)
            raise ValueError(f"{path}: `{key}` must be one of {allowed}; got {value!r}")
    # bool is a kind of int; and Python's JSON reader accepts NaN and Infinity.
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{path}: `{key}` must be a number above 0, without quotes; got {value!r}")
