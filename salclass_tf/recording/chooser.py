"""The choice of a class by digit, by typing, or by the arrow keys."""

from collections.abc import Sequence

from salclass_tf.recording import answers

_ROWS = 11
_DIGITS = 9
_ENTER = ("return", "enter", "num_enter", "\r", "\n")


class Chooser:
    """Which classes fit what was typed, and which of them is selected.

    Args:
        class_names: all of them, in the order in which they are listed.

    Attributes:
        class_names: all of them.
        by_digit: whether they are so few that a digit chooses one.
        typed: what has been typed.
        selected: place of the selected one among those that fit.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self.class_names = list(class_names)
        self.by_digit = len(class_names) <= _DIGITS
        self.typed = ""
        self.selected = 0

    @property
    def found(self) -> list[str]:
        """Classes that fit."""
        return answers.matching(self.class_names, self.typed)

    def page(self) -> tuple[list[str], int]:
        """The classes to be shown, and the place of the first of them."""
        first = self.selected // _ROWS * _ROWS
        return self.found[first : first + _ROWS], first

    def press(self, key: str) -> str:
        """Takes a key.

        Args:
            key: a character, or the name of a key such as "down".

        Returns:
            The chosen class; empty as long as none is.
        """
        found = self.found
        if key in _ENTER:
            return found[self.selected] if found else ""
        if self.by_digit and key.isdigit():
            return found[int(key) - 1] if 1 <= int(key) <= len(found) else ""
        if key in ("down", "up"):
            self.selected = (self.selected + (1 if key == "down" else -1)) % max(1, len(found))
        elif key == "backspace":
            self.typed, self.selected = self.typed[:-1], 0
        elif len(key) == 1 and key.isprintable():
            self.typed, self.selected = self.typed + key, 0
        return ""
