"""Requests to stop, from a user (Ctrl-C) or the machine (SIGTERM)."""

import contextlib
import signal
import threading
from collections.abc import Iterator


class Interrupted(KeyboardInterrupt):
    """The user, or the machine, asked the run to stop; its state is saved."""


class StopSignals:
    """Notes SIGINT and SIGTERM instead of dying of them, while inside a `with`.

    Attributes:
        received: name of the last one that came, "" before.
    """

    received: str = ""

    def __enter__(self) -> "StopSignals":
        """Takes the place of the handlers that are there."""
        self._before = _set(dict.fromkeys((signal.SIGINT, signal.SIGTERM), self._note))
        return self

    def __exit__(self, *_) -> None:
        """Puts the handlers back that were there."""
        _set(self._before)

    def _note(self, number: int, _frame) -> None:
        self.received = signal.Signals(number).name


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Has SIGTERM end what is inside a `with` as Ctrl-C does, and not without a word.

    Raises:
        KeyboardInterrupt: when it comes.
    """

    def interrupt(number: int, _frame) -> None:
        raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")

    before = _set({signal.SIGTERM: interrupt})
    try:
        yield
    finally:
        _set(before)


def _set(handlers: dict) -> dict:
    """Sets handlers; returns those before. Python lets the main thread alone do that."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number, handler in handlers.items()}
