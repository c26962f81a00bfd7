"""The lock under which tqdm draws, one that a failure in the middle of drawing cannot keep."""

import contextlib
import threading

from tqdm import tqdm

_PATIENCE_S = 1.0


class ScreenLock:
    """Threads draw one after another, and wait a second for that at most.

    tqdm gives its own lock back only where drawing succeeds. After a closed pipe or a Ctrl-C in the
    middle of it, another thread that writes would wait for good, and whoever waits for that thread.
    """

    def __init__(self):
        self._lock = threading.RLock()

    def acquire(self, blocking: bool = True) -> bool:
        """Waits until no other thread draws; returns whether that has come."""
        return self._lock.acquire(blocking, _PATIENCE_S if blocking else -1)

    def release(self) -> None:
        """Lets others draw, if this thread was the one that might."""
        with contextlib.suppress(RuntimeError):
            self._lock.release()

    def __enter__(self) -> None:
        """Waits as `acquire` does."""
        self.acquire()

    def __exit__(self, *_: object) -> None:
        """Lets others draw."""
        self.release()


def install() -> None:
    """Makes this the lock of all of tqdm's bars in this process."""
    if not isinstance(tqdm.get_lock(), ScreenLock):
        tqdm.set_lock(ScreenLock())
