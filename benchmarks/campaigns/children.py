"""Processes to be killed, forked from one that has imported TensorFlow: each starts soon."""

import ctypes
import multiprocessing
import os
import pathlib
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from benchmarks.campaigns.file_events import FileEvents

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests/support"

_PRELOADED = (
    "salclass_tf.training",
    "salclass_tf.evaluation.tables.paper",
    "salclass_tf.prediction",
    "salclass_tf.serving",
)
_LIMIT_S = 1200.0  # many times what any of them takes
_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000  # of unshare(2)

# Inherited by all: sums in one order, and no start-up notes.
os.environ |= {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


class Child:
    """A script in a process of its own, with its output in a file.

    Attributes:
        log: what it has printed.
    """

    def __init__(
        self,
        words: Sequence[object],
        log: pathlib.Path,
        disk: "Disk | None" = None,
        events: FileEvents | None = None,
        environment: Mapping[str, str] | None = None,
    ):
        """Starts it.

        Args:
            words: path of the script in the repository, and its arguments.
            log: a file that is replaced.
            disk: a small disk for it alone, which is copied away at its end; None for no such one.
            events: counts what it does to files, or kills it there; None for nothing of the kind.
            environment: what it gets besides what this process has.
        """
        self.log = log
        script, *arguments = map(str, words)
        self._process = _context.Process(
            target=_run, args=(script, arguments, log, disk, events, environment)
        )
        self._process.start()

    def wait(self, seconds: float | None = None) -> int | None:
        """Waits for its end; returns the exit code, or None if it goes on."""
        self._process.join(seconds)
        return self._process.exitcode

    def ended(self) -> int:
        """Waits for its end; one that hangs is killed, which its output says then.

        Returns:
            The exit code, which is not 0 if it was killed.
        """
        code = self.wait(_LIMIT_S)
        if code is None:
            code = self.kill()
            with self.log.open("a") as file:
                file.write(f"\nhangs: killed after {_LIMIT_S:g} s\n")
        return code

    def kill(self) -> int:
        """Ends it as `kill -9` does; returns the exit code, which is another if it had ended."""
        self._process.kill()
        return self.wait()

    def send(self, number: signal.Signals) -> bool:
        """Sends it a signal; returns whether it was alive."""
        alive = self._process.is_alive()
        if alive:
            os.kill(self._process.pid, number)
        return alive

    def output(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")

    def events(self) -> int:
        """How many events of files it had, if it was to count them and has ended by itself."""
        return int(_beside(self.log).read_text())


class Disk:
    """A small disk in memory, mounted for one child.

    Attributes:
        folder: where it is mounted; must be there.
        kibibytes: its size.
        left: gets a copy of what is on it at the end; must not be there.
    """

    def __init__(self, folder: pathlib.Path, kibibytes: int, left: pathlib.Path):
        """Mounts nothing yet."""
        self.folder, self.kibibytes, self.left = folder, kibibytes, left

    def mount(self) -> None:
        """Mounts it in namespaces of this process, which must have one thread."""
        user, group = os.getuid(), os.getgid()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_NEW_USER | _NEW_MOUNTS):
            raise OSError(ctypes.get_errno(), "no user and mount namespaces here")
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        size = f"size={self.kibibytes}k"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", self.folder], check=True)

    def copy(self) -> None:
        """Copies what is on it."""
        shutil.copytree(self.folder, self.left, symlinks=True)


def _beside(log: pathlib.Path) -> pathlib.Path:
    """Where a child leaves the number of its events."""
    return log.with_name(f"{log.name}.events")


def _run(
    script: str,
    arguments: list[str],
    log: pathlib.Path,
    disk: Disk | None,
    events: FileEvents | None,
    environment: Mapping[str, str] | None,
) -> None:
    """What a child does."""
    with open(log, "wb", buffering=0) as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    os.environ |= environment or {}
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT, SUPPORT)))  # for children of its own
    sys.path[:0] = [str(ROOT), str(SUPPORT)]
    sys.argv = [script, *arguments]
    try:
        if disk is not None:
            disk.mount()
        if events is not None:
            events.begin()
        runpy.run_path(str(ROOT / script), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code)
            raise SystemExit(1) from None
        raise
    finally:
        if disk is not None:
            disk.copy()
        if events is not None:
            _beside(log).write_text(str(events.count))
        sys.stdout.flush()
