"""Version folders as TensorFlow Serving watches them: each appears whole, or not at all."""

import contextlib
import fcntl
import os
import pathlib
import platform
import re
import shutil
import uuid
from collections.abc import Iterator

from salclass_tf import failures
from salclass_tf.runs.files import put_folder
from salclass_tf.runs.finished_export import is_number

# Locks may count on one host alone, so that each removes what it has left itself.
_UNFINISHED = f"unfinished-{platform.node()}-"


@contextlib.contextmanager
def unfinished(export_dir: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a folder in which a version grows; `publish` makes it one.

    The server loads every subfolder whose name is a whole number as soon as it sees it, so a
    version has another name until it is complete. What was not published is removed, that of
    processes of this host that were killed at the next call.

    Args:
        export_dir: folder of the versions of one model; made where it is missing.

    Yields:
        An empty folder inside `export_dir`.

    Raises:
        OSError: naming `export_dir`, if the disk is full.
    """
    parent = pathlib.Path(export_dir)
    folder = parent / f"{_UNFINISHED}{uuid.uuid4().hex}"
    parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as alone:  # a new folder is nobody's until it is locked
            _lock(parent, alone)
            _remove_abandoned(parent)
            folder.mkdir()
            _lock(folder, held)
        try:
            with failures.full_disk_named(f"a version in {export_dir}"):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def publish(folder: pathlib.Path) -> pathlib.Path:
    """Renames a complete folder to the next version, also while others publish theirs.

    Args:
        folder: from `unfinished`.

    Returns:
        The folder of the version: the highest number beside it, plus one.
    """
    while True:
        version = folder.with_name(str(_highest(folder.parent) + 1))
        try:
            return put_folder(folder, version)
        except OSError:
            if not version.exists():
                raise


def _remove_abandoned(parent: pathlib.Path) -> None:
    """Removes what processes were making that are gone: their locks went with them."""
    ours = re.compile(re.escape(_UNFINISHED) + "[0-9a-f]{32}")
    for folder in parent.iterdir():
        with contextlib.ExitStack() as held:
            if ours.fullmatch(folder.name) and _lock(folder, held, wait=False):
                shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: pathlib.Path, held: contextlib.ExitStack, wait: bool = True) -> bool:
    """Locks a folder until `held` ends; returns whether it could: some file systems cannot."""
    try:
        number = os.open(folder, os.O_RDONLY)
        held.callback(os.close, number)
        fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _highest(export_dir: pathlib.Path) -> int:
    """The highest number that is taken, be it by a version or not; 0 where there is none."""
    return max((int(path.name) for path in export_dir.iterdir() if is_number(path.name)), default=0)
