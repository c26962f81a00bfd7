"""Pictures of what is on the screen in a session."""

import os
import pathlib

from salclass_tf.recording.window import Window

_EMPTY = ("", "gone", "calibrating", "validating")


class Photographer:
    """Saves each kind of screen once, and the first picture at each level of blur.

    Args:
        folder: of the PNG files; made if it is not there.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self._folder = pathlib.Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._taken: set[str] = set()
        self._stem = ""

    def __call__(self, window: Window) -> None:
        """Saves the frame if it is the first of its kind."""
        name, facts = window.name, window.facts
        if name == "picture":
            self._stem = self._stem or facts["stem"]
            if facts["stem"] != self._stem:
                return
            name = f"picture_{facts['variance']:04.1f}"
        if name in self._taken or name in _EMPTY:
            return
        self._taken.add(name)
        window.grab().save(self._folder / f"{len(self._taken):02d}_{name}.png")
