"""The screens beside the pictures themselves: texts, training, answers, breaks."""

import pathlib
from collections.abc import Sequence
from typing import Any

from salclass_tf.recording import answers, blur, pictures
from salclass_tf.recording.chooser import Chooser
from salclass_tf.recording.protocol import Protocol
from salclass_tf.recording.texts import TEXTS
from salclass_tf.recording.window import Keys, Window

_WIDEST = 0.92  # share of the screen
_CAPTION = 0.15  # of the screen's height: three lines
_SMALLEST = 0.6  # of the usual text; smaller would be hard to read


class Screens:
    """Asks and tells; every loop ends by a key or by the protocol's time.

    Args:
        window: to draw on.
        keys: to listen to.
        rules: times and language.
    """

    def __init__(self, window: Window, keys: Keys, rules: Protocol) -> None:
        self._window = window
        self._keys = keys
        self._rules = rules
        self._texts = TEXTS[rules.language]

    def message(self, name: str, hint: str = "continue", keys: str = " ", **values: Any) -> str:
        """Shows a text until a key is pressed.

        Args:
            name: of the text.
            hint: name of the line below it, empty for none.
            keys: those that go on.
            **values: to fill in.

        Returns:
            The key.
        """
        stimuli = [self._window.text(self._texts[name].format(**values), y=0.06)]
        if hint:
            stimuli.append(self._window.text(self._texts[hint], y=-0.4, size=0.8))
        return self.wait(name, stimuli, keys)

    def wait(self, name: str, stimuli: Sequence[Any], keys: str, **facts: Any) -> str:
        """Draws until one of the keys is pressed, and returns it."""
        self._window.show(name, **facts)
        self._keys.clear()
        while True:
            self._draw(stimuli)
            for key, _ in self._keys.pressed():
                if key.lower() in keys:
                    return key.lower()

    def hold(self, name: str, stimuli: Sequence[Any], seconds: float, **facts: Any) -> None:
        """Draws for a time."""
        self._window.show(name, **facts)
        end = self._draw(stimuli) + seconds - self._window.frame_s / 2
        while self._draw(stimuli) < end:
            self._keys.pressed()

    def teach(self, path: pathlib.Path, class_name: str) -> None:
        """Shows a picture with its class."""
        caption = self._caption(pictures.title(class_name))
        self.hold("teach", [self._picture(path), caption], self._rules.training_s)

    def quiz(self, path: pathlib.Path, class_name: str, class_names: Sequence[str]) -> str:
        """Asks for the class of a picture, and tells whether the answer is right."""
        picture = self._picture(path)
        self.hold("question", [picture], self._rules.training_s, class_name=class_name)
        answer = self.choose(class_names)
        which = "right" if answer == class_name else "wrong"
        words = self._texts[which].format(name=pictures.title(class_name))
        if self._rules.feedback_s:
            self.hold(which, [picture, self._caption(words)], self._rules.feedback_s)
        return answer

    def seen(self, path: pathlib.Path) -> bool:
        """Asks whether a picture was in the last block."""
        question = self._window.text(self._texts["seen"], y=-0.36, size=0.9)
        return self.wait("seen", [self._picture(path, 0.6, 0.1), question], "yn") == "y"

    def choose(self, class_names: Sequence[str]) -> str:
        """Asks for a class, by number, by typing, or by the arrow keys; returns it."""
        listed = sorted(class_names, key=lambda name: answers.plain(pictures.title(name)))
        chooser = Chooser(listed)
        self._window.show("choose", class_names=tuple(listed))
        self._keys.clear()
        stimuli = self._list(chooser)
        while True:
            self._draw(stimuli)
            for key, _ in self._keys.pressed():
                if chosen := chooser.press(key):
                    return chosen
                stimuli = self._list(chooser)

    def _list(self, chooser: Chooser) -> list[Any]:
        """The question, what was typed, and the classes around the selected one."""
        top = self._window.text(self._texts["which"], y=0.42, size=1.2, bold=True)
        names, first = chooser.page()
        hint = "choose_digit" if chooser.by_digit else "choose"
        stimuli = [top, self._window.text(self._texts[hint], y=-0.44, size=0.75)]
        if chooser.typed:
            stimuli.append(self._window.text(f"{chooser.typed}_", y=0.34))
        if not names:
            stimuli.append(self._window.text(self._texts["none_fits"], y=0.1))
        elif len(chooser.found) > len(names):
            count = f"{first + 1}-{first + len(names)} / {len(chooser.found)}"
            stimuli.append(self._window.text(count, y=-0.38, size=0.7))
        for row, name in enumerate(names):
            selected = first + row == chooser.selected
            digit = f"{first + row + 1}   " if chooser.by_digit else ""
            words = f"{digit}{pictures.title(name)}"
            words = f"\u25b6 {words} \u25c0" if selected else words
            stimuli.append(self._fitting(words, 0.28 - 0.058 * row, selected))
        return stimuli

    def _fitting(self, words: str, y: float, bold: bool) -> Any:
        """A line that fits on the screen: smaller where it has to be, then without its middle."""
        stimulus = self._window.text(words, y=y, bold=bold, wrap=False)
        room = _WIDEST * self._window.screen.width_px
        if stimulus.boundingBox[0] <= room:
            return stimulus
        size = max(_SMALLEST, 0.99 * room / stimulus.boundingBox[0])
        stimulus = self._window.text(words, y=y, size=size, bold=bold, wrap=False)
        return _shortened(stimulus, words, 0, room)

    def _picture(self, path: pathlib.Path, share: float = 0.7, up: float = 0.06) -> Any:
        """A sharp picture, a little above the middle."""
        decoded = pictures.load(path)
        place = self._window.screen.place(*decoded.size, share)
        stimulus = self._window.picture(blur.shown(decoded, place), place)
        stimulus.pos = (
            stimulus.pos[0],
            stimulus.pos[1] + round(up * self._window.screen.height_px),
        )
        return stimulus

    def _caption(self, words: str) -> Any:
        """Up to three lines below a picture."""
        stimulus = self._window.text(words, y=-0.4, bold=True)
        return _shortened(stimulus, words, 1, _CAPTION * self._window.screen.height_px)

    def _draw(self, stimuli: Sequence[Any]) -> float:
        """Shows a frame; returns when it appeared."""
        for stimulus in stimuli:
            stimulus.draw()
        return self._window.flip()


def _shortened(stimulus: Any, words: str, side: int, room: float) -> Any:
    """Leaves words out of the middle until a side of the text, 0 or 1, fits into so many pixels."""
    kept = len(words)
    while kept > 1 and stimulus.boundingBox[side] > room:
        kept = max(1, min(kept - 1, int(kept * room / stimulus.boundingBox[side])))
        stimulus.text = answers.shortened(words, kept)
    return stimulus
