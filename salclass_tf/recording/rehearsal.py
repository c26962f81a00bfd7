"""A rehearsal: this computer plays the person, to see whether the set-up works and keeps time."""

from typing import Any

import numpy as np

from salclass_tf.recording import pictures
from salclass_tf.recording.hands import Hands
from salclass_tf.recording.plan import Plan
from salclass_tf.recording.rehearsed_calibration import RehearsedCalibration
from salclass_tf.recording.window import Window

_DELAY_S = 0.25
_FIXATION_S = (0.25, 0.45)
_RECOGNISED = 1 - 2763 / 9861  # paper, Sec. 4
_WRONG = 0.1


class Robot:
    """Moves the pointer and presses keys through the X server, as a person's hands do.

    It recognises as many pictures as the paper's people did, and is wrong about a tenth of them.

    Args:
        planned: the experiment; it knows the right answers.
        seed: decides where it looks and what it answers.
        loses_tracker_in: number of the presentation, from 1, in which it stops the tracker.

    Raises:
        ValueError: if there is no X server.

    Attributes:
        script: what it did: stem, milliseconds after the onset, column and row of the pointer.
    """

    def __init__(self, planned: Plan, seed: int = 0, loses_tracker_in: int | None = None) -> None:
        self._hands = Hands()
        self._calibration: RehearsedCalibration | None = None
        self._planned = planned
        self._rng = np.random.default_rng(seed)
        self._loses = loses_tracker_in
        self.stop_tracker: Any = None
        self.script: list[tuple[str, float, int, int]] = []
        self._facts: Any = None
        self._todo: list[tuple[float, Any]] = []
        self._class_name = ""
        self._presented = 0
        self._onset = 0.0

    def __call__(self, window: Window) -> None:
        """Does what is due; called after each frame."""
        from psychopy import core

        now = core.getTime()
        if window.name != "picture" and window.facts is not self._facts:
            self._begin(window, now)
        elif window.name == "picture" and window.facts["t_s"] == 0:
            self._look(window, now)
        self._facts = window.facts
        while self._todo and self._todo[0][0] <= now:
            self._todo.pop(0)[1]()

    def _begin(self, window: Window, now: float) -> None:
        """Plans what to do on a new screen."""
        name, facts = window.name, window.facts
        self._class_name = facts.get("class_name", self._class_name)
        self._todo = []
        if self._calibration is not None:
            self._calibration.stop()
            self._calibration = None
        if name in ("calibrating", "validating"):
            self._calibration = RehearsedCalibration(window.screen, facts.get("target"))
        elif name == "cross":
            middle = (window.screen.width_px // 2, window.screen.height_px // 2)
            self._later(now, lambda: self._hands.move(*middle))
        elif name == "choose":
            self._answer(now, facts["class_names"])
        elif name == "lost":
            self._later(now + _DELAY_S, lambda: self._hands.press("r"))
        elif name == "seen":
            key = "y" if self._rng.random() < 0.5 else "n"
            self._later(now + _DELAY_S, lambda: self._hands.press(key))
        elif name not in ("teach", "question", "right", "wrong", "gone"):
            self._later(now + _DELAY_S, lambda: self._hands.press("space"))

    def _look(self, window: Window, onset: float) -> None:
        """Plans a scanpath over the picture, and when it is recognised."""
        stem, place = window.facts["stem"], window.facts["place"]
        self._class_name = self._planned.picture(stem).class_name
        self._presented += 1
        # A picture that is shown again was not recorded the first time.
        self.script = [move for move in self.script if move[0] != stem]
        self._onset, self._todo = onset, []
        rules = self._planned.protocol
        moment = onset + 0.2
        recognises = self._rng.random() < _RECOGNISED
        share = self._rng.uniform(0.4, 0.8) if recognises else 2.0
        while moment < onset + rules.duration_s:
            x = place.left + int(self._rng.uniform(0.1, 0.9) * place.width)
            y = place.top + int(self._rng.uniform(0.1, 0.9) * place.height)
            self._later(moment, lambda x=x, y=y: self._glance(stem, x, y))
            moment += self._rng.uniform(*_FIXATION_S)
        self._later(onset + share * rules.duration_s, lambda: self._hands.press("space"))
        if self._presented == self._loses and self.stop_tracker is not None:
            self._later(onset + 0.3 * rules.duration_s, self.stop_tracker)
        self._todo.sort(key=lambda task: task[0])

    def _answer(self, now: float, class_names: tuple[str, ...]) -> None:
        """Plans the keys of an answer: a digit, or the name and Enter."""
        wanted = self._class_name
        if self._rng.random() < _WRONG:
            wanted = str(self._rng.choice([n for n in class_names if n != wanted]))
        keys = [str(class_names.index(wanted) + 1)]
        if len(class_names) > 9:
            letters = [c for c in pictures.title(wanted).lower() if c.isascii() and c.isalpha()]
            typed = "".join(letters) if "".join(letters) in pictures.title(wanted).lower() else ""
            keys = [*typed] or ["Down"] * class_names.index(wanted)
            keys.append("Return")
        for number, key in enumerate(keys):
            self._later(now + _DELAY_S + 0.06 * number, lambda key=key: self._hands.press(key))

    def _later(self, moment: float, action: Any) -> None:
        self._todo.append((moment, action))

    def _glance(self, stem: str, x: int, y: int) -> None:
        from psychopy import core

        self._hands.move(x, y)
        self.script.append((stem, 1e3 * (core.getTime() - self._onset), x, y))
