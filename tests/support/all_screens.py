"""Draws each screen with text and saves it: `python all_screens.py FOLDER [LANGUAGE]`.

It needs PsychoPy and a display of any size; look at what it saves.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from salclass_tf.recording.chooser import Chooser
from salclass_tf.recording.protocol import Protocol
from salclass_tf.recording.screens import Screens
from salclass_tf.recording.texts import TEXTS
from salclass_tf.recording.window import Window

LONGEST = "Großer_" + "Österreichisch-Ungarischer_" * 6 + "Vorstehhund"
FEW = [
    "Grünspecht",
    "n02106662-Deutscher_Schäferhund",
    "Weißbrüstiger_Schlangenadler_der_südlichen_Küstengebiete_Madagaskars",
    LONGEST,
]
MANY = FEW + [f"Hunderasse_{number}_groß" for number in range(116)]
TYPED = {"digits": (FEW, ()), "many": (MANY, ()), "typed": (MANY, "groß"), "nothing": (MANY, "öß")}
VALUES = {"round": 2, "rounds": 3, "right": 117, "all": 240, "block": 12, "blocks": 21}
ASKED = ("right", "wrong", "which", "choose", "choose_digit", "none_fits", "seen")


class PressedKeys:
    """Presses a key at once."""

    def __init__(self, key):
        self._key = key

    def clear(self):
        """Forgets nothing."""

    def pressed(self):
        """The key."""
        return [(self._key, 0.0)]


def draw(folder: pathlib.Path, language: str) -> None:
    """Draws all of them in one language."""
    window = Window(0, 60.0, 60.0)
    rules = Protocol(language=language)
    named = [""]
    window.watchers.append(lambda seen: seen.grab().save(folder / f"{language}_{named[0]}.png"))
    picture = folder / "picture.png"
    Image.fromarray(np.full((300, 400, 3), (200, 60, 60), np.uint8)).save(picture)
    for name in TEXTS[language]:
        named[0] = name
        key = {"drift": "c", "lost": "r", "seen": "n"}.get(name, " ")
        screens = Screens(window, PressedKeys(key), rules)
        if name == "seen":
            screens.seen(picture)
        elif name not in (*ASKED, "continue", "finish"):
            screens.message(name, hint="" if key != " " else "continue", keys=key, **VALUES)
    for name, (classes, keys) in TYPED.items():
        named[0] = name
        chooser = Chooser(classes)
        for key in keys:
            chooser.press(key)
        screens._draw(screens._list(chooser))
    named[0] = "caption"
    screens._draw([screens._picture(picture), screens._caption(LONGEST.replace("_", " "))])
    window.close()


if __name__ == "__main__":
    for chosen in sys.argv[2:] or TEXTS:
        draw(pathlib.Path(sys.argv[1]), chosen)
