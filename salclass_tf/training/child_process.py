"""A part of a run in a process of its own, which saves and ends with the one that began it."""

import contextlib
import logging
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tqdm import tqdm

from salclass_tf.config import Config
from salclass_tf.devices import Placement, cores, threads
from salclass_tf.signals import StopSignals
from salclass_tf.training import screen_lock
from salclass_tf.training.execution import Execution, no_callbacks

#: between two looks at a process
POLL_SECONDS = 0.1
_ERROR = "error: "
# What a run of networks up to `threads.NARROW` takes: the demo's had 1.8 (docs/results.md).
_MEMORY_GIB = 2.5
# TensorFlow is imported once its notes are held back.
_CODE = (
    "from salclass_tf import commandline, start_up; start_up.quiet(); "
    "from salclass_tf.training import {module}; commandline.run({module}.carry_out_given)"
)
_LENGTH = struct.Struct("<Q")  # before what a child is to do
BEGIN = "begin"  # the first word to it, see `Words`


def how_many(
    asked: int | None, flag: str, config: Config, placement: Placement, execution: Execution
) -> int:
    """Decides how many processes train at once.

    Where it was not asked for: one for each core as far as memory allows, of networks whose
    operations are too small to keep several cores busy; else one.

    Args:
        asked: what was asked for, or None.
        flag: by which it is asked for.
        config: the run.
        placement: the devices.
        execution: how the run is carried out.

    Raises:
        ValueError: if several are asked for where parts cannot have processes of their own.
    """
    on_cpu = placement.name == "one device" and not tf.config.get_visible_devices("GPU")
    callbacks = execution.callbacks is not no_callbacks
    if asked is not None and asked > 1 and (callbacks or not on_cpu):
        raise ValueError(
            f"{flag} is for one CPU, without callbacks; got {asked} with strategy "
            f"{placement.name}{' and callbacks' if callbacks else ''}: leave it out"
        )
    if asked is not None:
        return asked
    narrow = config.width <= threads.NARROW and threads.has_one_an_operation(config, placement)
    if callbacks or not on_cpu or not narrow:
        return 1
    return max(1, int(min(cores.count(), cores.free_memory() / 2**30 / _MEMORY_GIB)))


class Child:
    """A process under way, and a thread that hands on what it says.

    Args:
        module: of this package; its `carry_out_given` is what the process runs, with what `read`
            returns.
        given: what it is to do, of plain types.
        prefix: of each line that it says.
        own: variables that it has besides those of this process.
        files: descriptors that stay open in it, under their numbers.
    """

    def __init__(
        self,
        module: str,
        given: Any,
        prefix: str,
        own: Mapping[str, str] | None = None,
        files: Sequence[int] = (),
    ):
        screen_lock.install()
        environment = os.environ | {"TQDM_DISABLE": "1", "PYTHONUNBUFFERED": "1"}
        environment |= own or {}
        # From whatever folder it is started, it finds the package where this process has.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        debug = [flag for flag in sys.argv[1:] if flag == "--debug"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE.format(module=module), *debug],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=files,
            start_new_session=True,  # a terminal's Ctrl-C reaches it through this process alone
        )
        content = pickle.dumps(given)
        self._write(_LENGTH.pack(len(content)) + content)
        self._has_begun = False
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._hand_on, args=(prefix,), daemon=True)
        self._reader.start()

    def _write(self, content: bytes) -> None:
        """Tells it something; its input stays open, so that it ends with this process."""
        if self._process.stdin.closed:  # it has ended
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(content)
            self._process.stdin.flush()

    def _hand_on(self, prefix: str) -> None:
        """Prints every line behind the prefix; a line that nobody takes does not end that."""
        for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            if text:
                self._said.append(text)
                with contextlib.suppress(Exception):  # whatever stands in for a terminal
                    tqdm.write(f"{prefix}{text}", file=sys.stderr)
                    sys.stderr.flush()

    def say(self, word: str) -> None:
        """Tells it a word that it waits for, see `Words`; one without line breaks."""
        self._has_begun = self._has_begun or word == BEGIN
        self._write(f"{word}\n".encode())

    def has_ended(self) -> bool:
        """Whether it has, and all that it said has been printed."""
        if self._process.poll() is None:
            return False
        self._close()
        return True

    def _close(self) -> None:
        """Prints the last of what it said, now that it has ended."""
        self._reader.join()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    @property
    def code(self) -> int:
        """Its exit code."""
        return self._process.returncode

    def reason(self, saves_memory: str) -> str:
        """Why it ended: its own words; the signal that killed it.

        Args:
            saves_memory: flag with which the same command takes less memory.
        """
        if self.code < 0:
            name = signal.Signals(-self.code).name
            return (
                f"killed by {name}, perhaps because memory ran out: the same command goes on, with "
                f"{saves_memory} it takes less"
            )
        starts = [n for n, line in enumerate(self._said) if line.startswith(_ERROR)]
        words = self._said[starts[-1] if starts else -1 :]
        return "\n".join(words).removeprefix(_ERROR) or f"exit code {self.code}"

    def send(self, number: int) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Has it save and end, and waits for that.

        A signal meanwhile kills it if it has not begun, and so has nothing to save.
        """
        with StopSignals() as signals:
            self.send(signal.SIGTERM)
            while self._process.poll() is None:
                if signals.received and not self._has_begun:
                    self.send(signal.SIGKILL)
                time.sleep(POLL_SECONDS)
            self._close()


@contextlib.contextmanager
def held_back(*names: str) -> Iterator[None]:
    """Holds back what loggers say, errors apart.

    Args:
        names: of packages.
    """
    loggers = [logging.getLogger(name) for name in names]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


def read() -> Any:
    """Returns what a child is to do. To be called in the child, once."""
    # Not by Python's buffer, which would hold what comes after it, too.
    [length] = _LENGTH.unpack(_read(_LENGTH.size))
    return pickle.loads(_read(length))


def _read(length: int) -> bytes:
    """Returns so many bytes of standard input, fewer where it ends."""
    content = b""
    while len(content) < length:
        more = os.read(sys.stdin.fileno(), length - len(content))
        if not more:
            break
        content += more
    return content


def end_with_parent() -> None:
    """Has this process save and end when the one that began it has gone."""
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    """Has this process stop at the end of standard input."""
    while _read(1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


class Words:
    """What the process that began this one says by `Child.say`, `BEGIN` at first.

    Where that has gone before, this process is asked to stop; after it, it is killed: what it
    writes is in a folder which that one keeps others out of.
    """

    def __init__(self):
        self._said: set[str] = set()
        self._more = threading.Condition()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Notes words until standard input ends."""
        word = b""
        while letter := _read(1):
            if letter != b"\n":
                word += letter
                continue
            with self._more:
                self._said.add(word.decode())
                self._more.notify_all()
            word = b""
        os.kill(os.getpid(), signal.SIGKILL if BEGIN in self._said else signal.SIGTERM)

    def wait(self, word: str) -> None:
        """Returns when a word has been said."""
        with self._more:
            self._more.wait_for(lambda: word in self._said)
