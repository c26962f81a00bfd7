"""One process at a time prepares a set; the others wait, and take what it has finished."""

import contextlib
import logging
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Iterator
from typing import IO

import tensorflow_datasets as tfds

from tfds_builders.common import tfds_internals

try:
    import fcntl
except ImportError:  # not a Unix system: there, whoever is second fails at its end
    fcntl = None

_log = logging.getLogger(__name__)
_ABANDONED_S = 24 * 3600


def prepare(
    builder: tfds.core.DatasetBuilder,
    make: Callable[[], None],
    overwrite: bool = False,
    cleans_up: bool = False,
) -> bool:
    """Prepares a set, or takes what another process has finished since the builder was opened.

    Args:
        builder: of the set; knows it as a prepared one afterwards.
        make: prepares it, or does what TFDS does with one that is there.
        overwrite: whether `make` replaces a set that is there.
        cleans_up: whether what killed processes have left of the set goes once nothing was written
            there for a day; for sets that nobody prepares without this function.

    Returns:
        Whether the set is another process's, which may have made it from other files.
    """
    if builder.data_path.exists():
        # TFDS reads a set when its builder is opened, and not again: this one may be newer.
        if not builder.info.splits and not overwrite:
            _take(builder)
            return True
        make()
        return False
    with _alone(builder):
        if cleans_up:
            _remove_abandoned(pathlib.Path(os.fspath(builder.data_path)))
        if not builder.data_path.exists():
            make()
            return False
        _take(builder)
        return True


def _take(builder: tfds.core.DatasetBuilder) -> None:
    """Reads what another process has prepared."""
    tfds_internals.set_features(
        builder.info, tfds.features.FeatureConnector.from_config(builder.data_dir)
    )
    builder.info.read_from_directory(builder.data_dir)


@contextlib.contextmanager
def _alone(builder: tfds.core.DatasetBuilder) -> Iterator[None]:
    """Waits until no other process prepares a set, and keeps others from it.

    The lock is the operating system's: it goes with the process, however that ends. Its file is
    removed too, by whoever has it. File systems without locks are worked on without.
    """
    path = pathlib.Path(os.fspath(builder.data_path))
    if fcntl is None or "://" in os.fspath(builder.data_path):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    file = _locked(lock, path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # another user's, in a folder where each removes its own
            lock.unlink(missing_ok=True)
        file.close()


def _locked(lock: pathlib.Path, path: pathlib.Path) -> IO[str]:
    """Opens a lock's file and waits until it is this process's."""
    while True:
        file = _opened(lock)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("another process prepares %s: waiting for its end", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            _log.warning("no lock on %s (%s): prepare it with one process at a time", path, error)
            return file
        # Whoever had it has removed the file: another process may have made a new one.
        if _is(file, lock):
            return file
        file.close()


def _opened(lock: pathlib.Path) -> IO[str]:
    """Opens a lock's file, another user's for reading: that suffices on a local file system."""
    try:
        return open(os.open(lock, os.O_RDWR | os.O_CREAT, 0o666))
    except PermissionError as error:
        try:
            return lock.open()
        except FileNotFoundError:
            raise error from None


def _is(file: IO[str], path: pathlib.Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _remove_abandoned(path: pathlib.Path) -> None:
    """Removes what processes have left that were killed.

    One that is alive need not hold our lock: a file system may have none, or none between machines.
    """
    for unfinished in path.parent.glob(f"incomplete.*_{path.name}"):  # TFDS's name
        with contextlib.suppress(OSError):  # its process has ended meanwhile
            written = max(one.lstat().st_mtime for one in (unfinished, *unfinished.rglob("*")))
            if time.time() - written > _ABANDONED_S:
                shutil.rmtree(unfinished, ignore_errors=True)
