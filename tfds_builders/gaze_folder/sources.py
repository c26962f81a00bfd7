"""Places in files, remembered by the hundred thousand."""

import array
import re
import sys
from collections.abc import Sequence

_LINE = re.compile(r"(.*), line (0|[1-9][0-9]{0,17})", re.DOTALL)
_NONE = -1


class Sources(Sequence[str]):
    """Texts such as "FILE, line 3", each file's name kept once: 12 bytes for each text."""

    def __init__(self) -> None:
        """Remembers nothing."""
        self._names: dict[str, int] = {}
        self._by_number: list[str] = []
        self._files = array.array("i")
        self._lines = array.array("q")

    def append(self, text: str) -> None:
        """Remembers a text.

        Args:
            text: any; those that end with a line's number need little memory.
        """
        found = _LINE.fullmatch(text)
        name, line = (found[1], int(found[2])) if found else (text, _NONE)
        number = self._names.setdefault(sys.intern(name), len(self._names))
        if number == len(self._by_number):
            self._by_number.append(sys.intern(name))
        self._files.append(number)
        self._lines.append(line)

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._files)

    def __getitem__(self, index: int) -> str:
        """Returns the text that was the `index`-th to be remembered."""
        name, line = self._by_number[self._files[index]], self._lines[index]
        return name if line == _NONE else f"{name}, line {line}"
