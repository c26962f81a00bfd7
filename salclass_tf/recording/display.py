"""The display of a session on PsychoPy: what `session.Display` asks for."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from salclass_tf.recording import calibration
from salclass_tf.recording.protocol import Protocol
from salclass_tf.recording.screens import Screens
from salclass_tf.recording.session import SessionEnded
from salclass_tf.recording.trackers import Tracker
from salclass_tf.recording.trial import Presentation
from salclass_tf.recording.viewing import Viewing
from salclass_tf.recording.window import Keys, Window


class PsychoPyDisplay:
    """A window, a keyboard and a tracker; see `session.Display` for the methods.

    Args:
        window: to draw on.
        tracker: to record.
        rules: the protocol.
        calibrates: whether the tracker is calibrated before the first picture and after breaks.
        note: takes the name and content of what shall be kept beside the trials.
        contingent: whether pictures are sharp around the pointer only.
    """

    def __init__(
        self,
        window: Window,
        tracker: Tracker,
        rules: Protocol,
        calibrates: bool,
        note: Callable[[str, dict[str, Any]], None],
        contingent: bool,
    ) -> None:
        keys = Keys(tracker.keyboard)
        self._window = window
        self._tracker = tracker
        self._screens = Screens(window, keys, rules)
        self._viewing = Viewing(window, keys, tracker, rules, contingent)
        self._calibrates = calibrates
        self._note = note
        self._contingent = contingent
        self._ready = False

    def message(self, name: str, **values: Any) -> None:
        """Shows a text until the space bar is pressed."""
        hint = "finish" if name == "thanks" else "continue"
        self._screens.message(name, hint=hint, **values)
        if name.startswith("welcome") and self._contingent:
            self._screens.message("pointer")

    def teach(self, path: pathlib.Path, class_name: str) -> None:
        """Shows a training picture with its class."""
        self._screens.teach(path, class_name)

    def quiz(self, path: pathlib.Path, class_name: str, class_names: Sequence[str]) -> str:
        """Asks for the class of a training picture."""
        return self._screens.quiz(path, class_name, class_names)

    def choose(self, class_names: Sequence[str]) -> str:
        """Asks which class the last picture was."""
        return self._screens.choose(class_names)

    def seen(self, path: pathlib.Path) -> bool:
        """Asks whether a picture was seen."""
        return self._screens.seen(path)

    def pause(self, block: int, blocks: int) -> None:
        """Shows the break; the tracker is calibrated afterwards."""
        self._screens.message("break", block=block, blocks=blocks)
        self._ready = False

    def present(self, path: pathlib.Path) -> Presentation:
        """Shows the cross and the picture, and records."""
        if not self._ready and self._calibrates:
            self._calibrate()
        self._ready = True
        return self._viewing.present(path, self._drifted)

    def reconnect(self) -> None:
        """Waits until the tracker is there again."""
        while True:
            self._screens.message("lost", hint="", keys="r")
            if self._tracker.restart():
                return

    def _drifted(self) -> None:
        """Gaze stays away from the cross: says so, or calibrates again."""
        key = self._screens.message("drift", hint="", keys=" c")
        self._note("drift", {"calibrated_again": key == "c"})
        if key == "c" and (self._calibrates or self._tracker.model.is_eye):
            self._calibrate()

    def _calibrate(self) -> None:
        """Calibrates and keeps the validation.

        Both are screens of ioHub: watchers see one frame before each.
        """
        self._screens.message("calibration")
        self._announce("calibrating")
        if not self._tracker.calibrate():
            raise SessionEnded("Escape was pressed in the calibration")
        target = calibration.validation_target(self._window.psychopy, self._window.screen)
        self._announce("validating", target=target)
        errors = self._tracker.validate(target)
        if errors is None:
            raise SessionEnded("Escape was pressed in the validation")
        self._note("validation", errors)

    def _announce(self, name: str, **facts: Any) -> None:
        self._window.show(name, **facts)
        self._window.flip()
