"""The window of a session: frames, texts, pictures, keys."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageGrab

from salclass_tf.recording.screen import Place, Screen
from salclass_tf.recording.session import SessionEnded

BACKGROUND = 128
"""Grey level around the pictures, 0 to 255."""

_SOFTWARE_HZ = 60.0
_PROBED_FRAMES = 60
_TEXT_SHARE = 0.038  # of the screen's height; 29 pixels on 768 rows
_MONITOR = "salclass_recording"


class Window:
    """A full screen, its frames, and who watches them.

    Args:
        number: of the screen, from 0.
        width_cm: width of its lit area.
        distance_cm: from the eye.

    Raises:
        ValueError: if there is no display, or no PsychoPy.

    Attributes:
        screen: its size.
        frame_s: seconds of a frame.
        paced: whether frames follow this computer's clock, since the driver does not wait for the
            screen; the time on the screen is uncertain by a frame then.
        name: of what is on the screen, such as "picture", for watchers.
        facts: more about it.
        watchers: called with the window after each frame.
    """

    def __init__(self, number: int, width_cm: float, distance_cm: float) -> None:
        _require_display()
        try:
            from psychopy import logging, monitors, visual

            logging.console.setLevel(logging.ERROR)
            monitor = monitors.Monitor(_MONITOR, width=width_cm, distance=distance_cm)
            self.psychopy = visual.Window(
                fullscr=True,
                screen=number,
                monitor=monitor,
                units="pix",
                color=[BACKGROUND] * 3,
                colorSpace="rgb255",
                allowGUI=False,
                allowStencil=True,
                checkTiming=False,
                waitBlanking=True,
            )
        except Exception as error:  # whatever the driver says, from the import on
            raise ValueError(
                f"no window opens on screen {number} ({error}); look at DISPLAY and --screen"
            ) from error
        self.psychopy.mouseVisible = False
        width, height = map(int, self.psychopy.size)
        self.screen = Screen(width, height, width_cm, distance_cm)
        monitor.setSizePix((width, height))
        monitor.save()  # ioHub's process reads it by name
        self.name, self.facts = "", {}
        self.watchers: list[Callable[[Window], None]] = []
        self._due = 0.0
        self.frame_s, self.paced = self._measure_frames()

    def flip(self) -> float:
        """Shows what has been drawn.

        Returns:
            When it appeared, seconds of PsychoPy's clock.
        """
        if self.paced:
            self._wait_for_turn()
        shown = self.psychopy.flip()
        for watch in self.watchers:
            watch(self)
        return shown

    def show(self, name: str, **facts: Any) -> None:
        """Tells watchers what the next frames are."""
        self.name, self.facts = name, facts

    def text(
        self, words: str, y: float = 0.0, size: float = 1.0, bold: bool = False, wrap: bool = True
    ) -> Any:
        """Makes a text in the middle of the screen.

        Args:
            words: what it says.
            y: share of the screen's height above the middle.
            size: relative to the usual one.
            bold: whether it is.
            wrap: whether a line that is too long is broken.

        Returns:
            A PsychoPy stimulus.
        """
        from psychopy import visual

        height = max(14.0, _TEXT_SHARE * self.screen.height_px * size)
        stimulus = visual.TextStim(
            self.psychopy,
            text=words,
            pos=(0, y * self.screen.height_px),
            height=height,
            wrapWidth=(0.86 if wrap else 9.0) * self.screen.width_px,
            color="black",
            bold=bold,
            font="DejaVu Sans",
            autoLog=False,
        )
        return stimulus

    def picture(self, pixels: np.ndarray, place: Place) -> Any:
        """Makes a picture, pixel for pixel; it is in the graphics memory afterwards.

        Args:
            pixels: uint8 [h, w, 3] of the place's size.
            place: where.

        Returns:
            A PsychoPy stimulus.
        """
        from psychopy import visual

        return visual.ImageStim(
            self.psychopy,
            image=Image.fromarray(pixels),
            size=(place.width, place.height),
            pos=(
                place.left + place.width / 2 - self.screen.width_px / 2,
                self.screen.height_px / 2 - place.top - place.height / 2,
            ),
            interpolate=False,
            autoLog=False,
        )

    def cross(self, size: float) -> Any:
        """Makes a cross in the middle; a character would stand a little beside it.

        Args:
            size: pixels of its arms' full length.

        Returns:
            A PsychoPy stimulus.
        """
        from psychopy import visual

        arm, half = size / 2, max(1.0, size / 14)
        corners = [(half, half), (half, arm), (-half, arm), (-half, half), (-arm, half)]
        corners += [(-arm, -half), (-half, -half), (-half, -arm), (half, -arm), (half, -half)]
        corners += [(arm, -half), (arm, half)]
        return visual.ShapeStim(
            self.psychopy, vertices=corners, fillColor="black", lineWidth=0, autoLog=False
        )

    def grab(self) -> Image.Image:
        """Returns what is on the screen now, as the desktop shows it.

        Software drivers return black where OpenGL's front buffer is read.
        """
        return ImageGrab.grab().convert("RGB")

    def close(self) -> None:
        """Closes it."""
        self.psychopy.close()

    def _measure_frames(self) -> tuple[float, bool]:
        """Seconds of a frame, and whether this computer's clock has to set the pace."""
        times = [self.psychopy.flip() for _ in range(_PROBED_FRAMES)]
        gaps = np.diff(times[10:])
        middle = float(np.median(gaps))
        steady = np.mean(np.abs(gaps - middle) < 0.1 * middle) > 0.8
        if steady and 1 / 400 < middle < 1 / 20:
            return middle, False
        return 1 / _SOFTWARE_HZ, True

    def _wait_for_turn(self) -> None:
        now = time.perf_counter()
        if now < self._due:
            time.sleep(self._due - now)
        # Late frames do not hurry the next ones.
        self._due = max(self._due, time.perf_counter() - self.frame_s) + self.frame_s


class Keys:
    """Keys by ioHub, with the time at which each was pressed.

    Args:
        keyboard: ioHub's device.
    """

    def __init__(self, keyboard: Any) -> None:
        self._keyboard = keyboard

    def clear(self) -> None:
        """Forgets what was pressed before."""
        self._presses()

    def pressed(self) -> list[tuple[str, float]]:
        """Returns what was pressed since the last call.

        Returns:
            Name or character, and seconds of PsychoPy's clock.

        Raises:
            OSError: if ioHub does not answer.
            SessionEnded: if Escape is among them.
        """
        found = []
        for press in self._presses():
            key = press.char if press.char and press.char.strip() else press.key
            found.append((" " if key in ("space", " ") else key, press.time))
        if any(key == "escape" for key, _ in found):
            raise SessionEnded("Escape was pressed")
        return found

    def _presses(self) -> list[Any]:
        try:
            return self._keyboard.getPresses()
        except RuntimeError as error:
            raise OSError(
                f"ioHub does not answer ({error}); the same command goes on with the next trial"
            ) from error


def _require_display() -> None:
    """Checks what can be checked before PsychoPy, which ends the process where there is none."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        raise ValueError("a session needs a display; run it on a desktop, or set DISPLAY")
    try:
        import psychopy  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"a session needs PsychoPy ({error}): pip install -r requirements-recording.txt, the "
            "extra `recording`"
        ) from error
