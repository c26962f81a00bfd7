"""What a rehearsal does while ioHub calibrates and validates, on screens that call no watcher."""

import threading
from typing import Any

from salclass_tf.recording.hands import Hands
from salclass_tf.recording.screen import Screen

BESIDE_PX = 12
"""How far beside each target of the validation it looks: the error that must be found."""

_LOOK_S = 0.05
_PRESS_S = 1.0


class RehearsedCalibration:
    """Presses the space bar each second, and looks beside the target, until it is stopped.

    Args:
        screen: turns the target's place into columns and rows.
        target: of the validation; None in the calibration, where nothing is measured.
    """

    def __init__(self, screen: Screen, target: Any = None) -> None:
        self._screen = screen
        self._target = target
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        hands = Hands()
        moments = 0
        while not self._stopped.wait(_LOOK_S):
            moments += 1
            if self._target is not None:
                x, y = self._screen.from_centred(*self._target.pos)
                hands.move(round(x) + BESIDE_PX, round(y))
            elif moments % round(_PRESS_S / _LOOK_S) == 0:
                hands.press("space")
