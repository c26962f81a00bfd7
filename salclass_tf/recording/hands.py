"""Hands of a rehearsal: they move the pointer and press keys through the X server."""

from typing import Any


class Hands:
    """A connection to the X server; a thread needs one of its own.

    Raises:
        ValueError: if there is no X server.
    """

    def __init__(self) -> None:
        try:
            from Xlib import XK, X, display
            from Xlib.ext import xtest
        except ImportError as error:
            raise ValueError(f"a rehearsal needs Linux with X11 ({error})") from error
        self._x, self._keysyms, self._xtest = X, XK, xtest
        self._server: Any = display.Display()

    def move(self, x: int, y: int) -> None:
        """Moves the pointer.

        Args:
            x: column on the screen, 0-based pixels.
            y: row, likewise.
        """
        self._xtest.fake_input(self._server, self._x.MotionNotify, x=x, y=y)
        self._server.sync()

    def press(self, name: str) -> None:
        """Presses a key and lets it go.

        Args:
            name: X's name of it, such as "space".
        """
        code = self._server.keysym_to_keycode(self._keysyms.string_to_keysym(name))
        self._xtest.fake_input(self._server, self._x.KeyPress, code)
        self._xtest.fake_input(self._server, self._x.KeyRelease, code)
        self._server.sync()
