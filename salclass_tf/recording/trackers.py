"""An eye tracker through PsychoPy's ioHub, or the pointer in place of one."""

import pathlib
import time
from typing import Any

from salclass_tf.recording import calibration, hub
from salclass_tf.recording.screen import Screen
from salclass_tf.recording.tracker_models import Model, device_settings, require_plugin

_START_S = 10.0


class Tracker:
    """A connected tracker, the keyboard beside it, and the raw file that both are written to.

    Args:
        model: the kind.
        window: PsychoPy's open window.
        screen: its size.
        raw: name without suffix of the HDF5 file.
        rate_hz: samples a second.
        settings: more of ioHub's settings for the device.
        note: file in which ioHub's process is noted, for `hub.end_orphan`.

    Raises:
        OSError: if ioHub does not start.
        ValueError: if the plug-in is missing, or no sample arrives; no raw file stays then.

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
        from psychopy.iohub.constants import EventConstants

        require_plugin(model)
        self.model = model
        self.screen = screen
        self.rate_hz = rate_hz
        self._window = window
        self._kinds = (
            EventConstants.MONOCULAR_EYE_SAMPLE,
            EventConstants.BINOCULAR_EYE_SAMPLE,
            EventConstants.GAZEPOINT_SAMPLE,
        )
        device = {model.device: device_settings(model, rate_hz, settings)}
        self._hub: Any = None
        self._eyes: Any = None
        try:
            self._hub = hub.start(window, raw, device, note)
            self._begin()
        except (OSError, ValueError):
            self.close()
            raw.with_suffix(".hdf5").unlink(missing_ok=True)
            raise

    def _begin(self) -> None:
        """Checks that there is a tracker which sends samples."""
        self.keyboard = self._hub.devices.keyboard
        self._eyes = getattr(self._hub.devices, "tracker", None)
        if not hasattr(self._eyes, "isConnected"):
            raise ValueError(
                f"ioHub could not set up the tracker ({self.model.name}); what it printed above "
                "says why. Each of --tracker_settings must be a setting of ioHub for this tracker"
            )
        if not self.wait_for_samples():
            raise ValueError(
                f"{self.model.name} sends no samples within {_START_S:g} s; switch it on, check "
                "its cable and address (--tracker_settings), or try --tracker=mouse"
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
        if not hub.runs():
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

    def calibrate(self) -> bool:
        """Runs ioHub's calibration; returns whether it came to its end, and records again."""
        self._eyes.setRecordingState(False)
        with hub.patient(self._hub):
            finished = calibration.calibrate(self._window, self._eyes, self.screen)
        self.wait_for_samples()
        return finished

    def validate(self, target: Any) -> dict[str, float | None] | None:
        """Runs ioHub's validation, and records again.

        Args:
            target: of `calibration.validation_target`.

        Returns:
            What `calibration.validate` returns.
        """
        self._eyes.setRecordingState(False)
        errors = calibration.validate(self._window, target)
        self.wait_for_samples()
        return errors

    def close(self) -> None:
        """Stops the tracker and ioHub; the raw file is whole then."""
        # A question to a process that has ended would never be answered.
        if self._hub is not None and hub.runs():
            if hasattr(self._eyes, "setRecordingState"):
                self._eyes.setRecordingState(False)
            self._hub.quit()


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
