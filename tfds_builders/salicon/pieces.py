"""A JSON file read piece by piece, for files that do not fit into memory as Python objects."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

_PIECE = 1 << 20
# An error this far from the end of what was read is no value that merely goes on.
_LONGEST_TOKEN = 1 << 14
_DECODER = json.JSONDecoder()


class Pieces:
    """Values of a JSON file in their order, with their place in the file.

    Args:
        file: opened for reading bytes.
    """

    def __init__(self, file: BinaryIO):
        """Starts at the beginning of the file."""
        self._file = file
        self._text = ""
        self._start = 0  # place in the file of the text's first character
        self._at = 0

    def items(self) -> Iterator[str]:
        """Yields the keys of an object; the caller reads the value of each.

        Raises:
            ValueError: if the file goes on with something else than an object.
        """
        self._take("{")
        while not self._passes("}"):
            key, _, _ = self.value()
            self._take(":")
            yield key
            self._passes(",")

    def elements(self) -> Iterator[tuple[Any, int, int]]:
        """Yields the elements of an array as `value` does.

        Raises:
            ValueError: if the file goes on with something else than an array.
        """
        self._take("[")
        while not self._passes("]"):
            yield self.value()
            self._passes(",")

    def value(self) -> tuple[Any, int, int]:
        """Reads one value.

        Returns:
            The value, and the place of its first byte and of the byte behind it in the file.

        Raises:
            ValueError: if there is no value, or if it is cut short.
        """
        self._next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - error.pos > _LONGEST_TOKEN or not self._read():
                    raise
                continue
            first, self._at = self._at, end
            return value, self._start + first, self._start + end

    def _take(self, character: str) -> None:
        if not self._passes(character):
            raise ValueError(
                f"byte {self._start + self._at} must be {character!r}; got {self._next()!r}"
            )

    def _passes(self, character: str) -> bool:
        found = self._next() == character
        self._at += found
        return found

    def _next(self) -> str:
        """Goes over white space and returns the next character, "" at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text) or not self._read():
                return self._text[self._at : self._at + 1]

    def _read(self) -> bool:
        """Drops what was used and reads on, twice as much each time a value does not end."""
        # Latin-1 has a character for every byte, so that places in the text are places in the file.
        more = self._file.read(max(_PIECE, len(self._text) - self._at)).decode("latin-1")
        self._text = self._text[self._at :] + more
        self._start += self._at
        self._at = 0
        return bool(more)
