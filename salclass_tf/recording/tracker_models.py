"""The kinds of eye tracker that ioHub knows, and their settings."""

import dataclasses
import importlib.util
import json
import os
import pathlib
from typing import Any

_HELD_EVENTS = 512


@dataclasses.dataclass(frozen=True)
class Model:
    """A kind of eye tracker.

    Attributes:
        name: for `recording.json`.
        device: ioHub's path of the class.
        plugin: PyPI name of the PsychoPy plug-in; empty where none is needed.
        rate_hz: samples a second unless the user says another rate.
        sets_rate: whether ioHub takes the rate as a setting.
        is_eye: whether it measures eyes: is calibrated, and may be lost.
    """

    name: str
    device: str
    plugin: str
    rate_hz: float
    sets_rate: bool = True
    is_eye: bool = True


MODELS = {
    "tobii": Model("Tobii", "eyetracker.hw.tobii.EyeTracker", "psychopy-eyetracker-tobii", 60),
    "eyelink": Model(
        "EyeLink",
        "eyetracker.hw.sr_research.eyelink.EyeTracker",
        "psychopy-eyetracker-sr-research",
        1000,
    ),
    "gazepoint": Model(
        "Gazepoint",
        "eyetracker.hw.gazepoint.gp3.EyeTracker",
        "psychopy-eyetracker-gazepoint",
        60,
        sets_rate=False,
    ),
    "pupil_core": Model(
        "Pupil Core",
        "eyetracker.hw.pupil_labs.pupil_core.EyeTracker",
        "psychopy-eyetracker-pupil-labs",
        120,
        sets_rate=False,
    ),
    "neon": Model(
        "Pupil Labs Neon",
        "eyetracker.hw.pupil_labs.neon.EyeTracker",
        "psychopy-eyetracker-pupil-labs",
        200,
        sets_rate=False,
    ),
    "mouse": Model(
        "no eye tracker: simulated by the mouse",
        "eyetracker.hw.mouse.EyeTracker",
        "",
        60,
        is_eye=False,
    ),
    "mouse_contingent": Model(
        "no eye tracker: mouse-contingent viewing, sharp around the pointer",
        "eyetracker.hw.mouse.EyeTracker",
        "",
        60,
        is_eye=False,
    ),
}


def read_settings(path: str | os.PathLike | None) -> dict[str, Any]:
    """Reads settings of a tracker in ioHub's words, such as its network address.

    Args:
        path: a JSON file; None for none.

    Returns:
        The settings.

    Raises:
        ValueError: if it is no JSON object.
    """
    if path is None:
        return {}
    try:
        settings = json.loads(pathlib.Path(path).read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} must be a JSON file ({error}); repair it") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must hold a JSON object; got {settings!r}")
    return settings


def require_plugin(model: Model) -> None:
    """Checks that the plug-in of a tracker is installed.

    Raises:
        ValueError: if it is not; names the package.
    """
    module = model.plugin.replace("-", "_")
    if module and importlib.util.find_spec(module) is None:
        raise ValueError(f"{model.name} needs a plug-in of PsychoPy: pip install {model.plugin}")


def device_settings(model: Model, rate_hz: float, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns what ioHub is told about a device.

    Args:
        model: the kind.
        rate_hz: samples a second.
        settings: the user's, which go before ours.

    Returns:
        Settings in ioHub's words.
    """
    device: dict[str, Any] = {"name": "tracker", "event_buffer_length": _HELD_EVENTS}
    if model.sets_rate:
        device["runtime_settings"] = {"sampling_rate": int(rate_hz)}
    if not model.is_eye:
        device["controls"] = {"move": "CONTINUOUS", "blink": ("MIDDLE_BUTTON",)}
    return device | settings
