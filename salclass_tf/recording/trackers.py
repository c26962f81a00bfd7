"""Eye trackers through PsychoPy's ioHub: Tobii, EyeLink, Gazepoint, Pupil Labs, or the pointer."""

import dataclasses
import importlib.util
import json
import os
import pathlib
import socket
import time
from typing import Any

from salclass_tf.recording.screen import Screen
from salclass_tf.runs import files

_START_S = 10.0
_ANSWER_S = 20.0
_HELD_EVENTS = 512
_ANSWER_BYTES = 1 << 20


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


def end_orphan(note: pathlib.Path) -> None:
    """Ends ioHub's process of a session that was killed, which does not notice that.

    Args:
        note: file that `Tracker` wrote when it started the process.

    Raises:
        ValueError: if that session is still running.
    """
    try:
        written = json.loads(note.read_text("utf-8"))
        hub, session = (_living(*written[name]) for name in ("hub", "session"))
    except (OSError, ValueError, KeyError, TypeError):
        return  # none was noted
    if hub and session:
        raise ValueError(
            f"another session of this recording is running, process {session.pid}; end it first"
        )
    if hub:
        hub.kill()
        hub.wait(5)


def _living(pid: int, created: float) -> Any:
    """The process of this number, if it is still the one that was started then."""
    import psutil  # comes with PsychoPy

    try:
        process = psutil.Process(pid)
        same = process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same else None


class Tracker:
    """A connected tracker, the keyboard beside it, and the raw file that both are written to.

    Args:
        model: the kind.
        window: PsychoPy's open window.
        screen: its size.
        raw: name without suffix of the HDF5 file.
        rate_hz: samples a second.
        settings: more of ioHub's settings for the device.
        note: file in which ioHub's process is noted, for `end_orphan`.

    Raises:
        ValueError: if the plug-in is missing, or no sample arrives.

    Attributes:
        model: the kind.
        screen: the screen's size.
        rate_hz: samples a second.
        keyboard: ioHub's keyboard.
    """

    def __init__(
        self,
        model: Model,
        window: Any,
        screen: Screen,
        raw: pathlib.Path,
        rate_hz: float,
        settings: dict[str, Any],
        note: pathlib.Path,
    ) -> None:
        import psutil  # comes with PsychoPy
        from psychopy.iohub import launchHubServer
        from psychopy.iohub.constants import EventConstants
        from psychopy.iohub.devices import Computer

        require_plugin(model)
        end_orphan(note)
        self.model = model
        self.screen = screen
        self.rate_hz = rate_hz
        self._window = window
        self._kinds = (
            EventConstants.MONOCULAR_EYE_SAMPLE,
            EventConstants.BINOCULAR_EYE_SAMPLE,
            EventConstants.GAZEPOINT_SAMPLE,
        )
        raw.parent.mkdir(parents=True, exist_ok=True)
        device = {model.device: _device(model, rate_hz, settings)}
        self._hub = launchHubServer(
            window=window,
            experiment_code="salclass",
            session_code=raw.name,
            datastore_name=str(raw.resolve()),
            udp_port=_free_port(),  # with ioHub's own, 9000, two sessions answer each other
            **device,
        )
        processes = {"hub": Computer.iohub_process, "session": psutil.Process()}
        files.write_json(note, {k: [p.pid, p.create_time()] for k, p in processes.items()})
        # ioHub answers in datagrams, into 16 kB: where a long answer does not fit, a part is lost
        # and the client waits for it for ever. So there is more room, fewer events, and an end.
        self._socket = self._hub.udp_client.sock
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ANSWER_BYTES)
        self._socket.settimeout(_ANSWER_S)
        self._eyes = self._hub.devices.tracker
        self.keyboard = self._hub.devices.keyboard
        if not self.wait_for_samples():
            self.close()
            raise ValueError(
                f"{model.name} sends no samples within {_START_S:g} s; switch it on, check its "
                "cable and address (--tracker_settings), or try --tracker=mouse"
            )

    def wait_for_samples(self) -> bool:
        """Starts recording, and waits for the first sample; False if none comes."""
        if not self._eyes.isConnected():
            self._eyes.setConnectionState(True)
        self._eyes.setRecordingState(True)
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            if self.samples():
                return True
            time.sleep(0.01)
        return False

    def samples(self) -> list[tuple[float, float | None, float | None]]:
        """Returns what has arrived since the last call.

        Returns:
            Seconds of PsychoPy's clock, column and row on the screen, 0-based pixels; None where no
            eye was seen.

        Raises:
            OSError: if ioHub has ended, or does not answer.
        """
        if not self._process_runs():
            raise OSError("ioHub has ended; the same command goes on with the next trial")
        events = self._eyes.getEvents()
        if events is None:
            raise OSError("ioHub does not answer; the same command goes on with the next trial")
        found = []
        for event in events:
            if event.type in self._kinds:
                point = gaze_of(event._asdict())
                x, y = (None, None) if point is None else self.screen.from_centred(*point)
                found.append((event.time, x, y))
        return found

    def forget(self) -> None:
        """Drops what has arrived; to be called often, see the note on answers."""
        self._eyes.clearEvents()

    def restart(self) -> bool:
        """Connects a lost tracker again; returns whether samples arrive."""
        self._eyes.setRecordingState(False)
        self._eyes.setConnectionState(False)
        return self.wait_for_samples()

    def stop_sampling(self) -> None:
        """Stops the samples, as a pulled plug does."""
        self._eyes.setRecordingState(False)

    def calibrate(self) -> None:
        """Runs ioHub's calibration with nine targets, then leaves the tracker recording."""
        from psychopy import visual
        from psychopy.hardware.eyetracker import EyetrackerCalibration

        self._eyes.setRecordingState(False)
        degree = self.screen.pixels_per_degree
        target = visual.TargetStim(
            self._window,
            radius=0.4 * degree,
            innerRadius=0.1 * degree,
            fillColor="black",
            borderColor="white",
            innerFillColor="white",
            units="pix",
        )
        procedure = EyetrackerCalibration(self._window, self._eyes, target, units="pix")
        self._socket.settimeout(None)  # it takes minutes
        procedure.run()
        self._socket.settimeout(_ANSWER_S)
        self.wait_for_samples()

    def validate(self) -> dict[str, float]:
        """Runs ioHub's validation with five targets.

        Returns:
            `mean_error_deg`, `max_error_deg` and `failed_positions`.
        """
        from psychopy.iohub.client.eyetracker.validation import TargetStim, ValidationProcedure

        self._eyes.setRecordingState(False)
        target = TargetStim(
            self._window,
            radius=self.screen.pixels_per_degree * 0.4,
            fillcolor=[-1, -1, -1],
            edgecolor=[1, 1, 1],
            edgewidth=2,
            dotcolor=[1, 1, 1],
            dotradius=4,
            units="pix",
            colorspace="rgb",
        )
        procedure = ValidationProcedure(
            self._window,
            target=target,
            positions="FIVE_POINTS",
            target_duration=1.5,
            target_delay=0.5,
            progress_on_key=None,
            gaze_cursor=(-1.0, -1.0, -1.0),  # shown while G is pressed
            show_results_screen=False,
            results_in_degrees=True,
            unit_type="pix",
            color_space="rgb",
        )
        procedure.run()
        results = procedure.getValidationResults() or {}
        self.wait_for_samples()
        failed = results.get("positions_failed_processing")
        return {
            "mean_error_deg": _number(results.get("mean_error")),
            "max_error_deg": _number(results.get("max_error")),
            "failed_positions": -1 if failed is None else int(failed),
        }

    def close(self) -> None:
        """Stops the tracker and ioHub; the raw file is whole then."""
        # A question to a process that has ended would never be answered.
        if self._process_runs():
            self._eyes.setRecordingState(False)
            self._hub.quit()

    @staticmethod
    def _process_runs() -> bool:
        """Whether ioHub's process is there; it may be ended or waited for by nobody yet."""
        import psutil  # comes with PsychoPy
        from psychopy.iohub.devices import Computer

        process = Computer.iohub_process
        try:
            return process is not None and process.status() != "zombie"
        except psutil.Error:
            return False


def _free_port() -> int:
    """A UDP port that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def gaze_of(sample: dict[str, Any]) -> tuple[float, float] | None:
    """Returns the point of a sample of ioHub, in its own units.

    Args:
        sample: fields of a monocular or binocular event.

    Returns:
        x and y, the mean of both eyes where both were seen; None where none was.
    """
    status = int(sample["status"])
    if "gaze_x" in sample:
        return None if status else _finite(sample["gaze_x"], sample["gaze_y"])
    eyes = []
    if status // 10 == 0:
        eyes.append(_finite(sample["left_gaze_x"], sample["left_gaze_y"]))
    if status % 10 == 0:
        eyes.append(_finite(sample["right_gaze_x"], sample["right_gaze_y"]))
    seen = [eye for eye in eyes if eye is not None]
    if not seen:
        return None
    x, y = (sum(axis) / len(seen) for axis in zip(*seen, strict=True))
    return x, y


def _finite(x: Any, y: Any) -> tuple[float, float] | None:
    """A point, unless the tracker wrote text or NaN for a lost eye."""
    try:
        x, y = float(x), float(y)
    except (TypeError, ValueError):
        return None
    return (x, y) if x - x == 0 and y - y == 0 else None


def _number(value: Any) -> float:
    return -1.0 if value is None else round(float(value), 3)


def _device(model: Model, rate_hz: float, settings: dict[str, Any]) -> dict[str, Any]:
    """The device's settings for ioHub."""
    device: dict[str, Any] = {"name": "tracker", "event_buffer_length": _HELD_EVENTS}
    if model.sets_rate:
        device["runtime_settings"] = {"sampling_rate": int(rate_hz)}
    if not model.is_eye:
        device["controls"] = {"move": "CONTINUOUS", "blink": ("MIDDLE_BUTTON",)}
    return device | settings
