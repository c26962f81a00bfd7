"""What a process does to the files of a folder; at one of these moments it can be killed."""

import os
import pathlib
import signal
import sys
import threading

_CHANGES = {"os.rename": 1, "os.remove": 0, "os.mkdir": 0}  # place of the path that counts
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class FileEvents:
    """Counts what Python does to a folder's files: opened for writing, renamed, removed, made.

    What TensorFlow writes by itself is not seen.

    Attributes:
        count: how many there were so far.
    """

    def __init__(self, folder: pathlib.Path, fatal: int | None = None, delay: float = 0.0):
        """Counts nothing yet.

        Args:
            folder: what is below it counts.
            fatal: the event, counted from 1, at which the process is killed; None for none.
            delay: seconds from that event until then.
        """
        self.count = 0
        self._below, self._fatal, self._delay = f"{folder}{os.sep}", fatal, delay

    def begin(self) -> None:
        """Counts in this process from now on until its end."""
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple) -> None:
        """Takes what Python says of all that it does (PEP 578)."""
        if event == "open":
            path, _, flags = arguments
            counts = isinstance(flags, int) and flags & _WRITING
        elif event in _CHANGES:
            path, counts = arguments[_CHANGES[event]], True
        else:
            return
        if not counts or isinstance(path, int) or not os.fsdecode(path).startswith(self._below):
            return
        self.count += 1
        if self.count == self._fatal:
            threading.Timer(self._delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
