"""Version folders as TensorFlow Serving watches them: each appears whole, or not at all."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

from salclass_tf.runs.files import put_folder


@contextlib.contextmanager
def unfinished(export_dir: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a folder in which a version grows; `publish` makes it one.

    The server loads every subfolder whose name is a whole number as soon as it sees it, so a
    version has another name until it is complete. What was not published is removed.

    Args:
        export_dir: folder of the versions of one model; made where it is missing.

    Yields:
        An empty folder inside `export_dir`.
    """
    folder = pathlib.Path(export_dir) / f"unfinished-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
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
        last = newest(folder.parent)
        version = folder.with_name(str(int(last.name) + 1 if last else 1))
        try:
            return put_folder(folder, version)
        except OSError:
            if not version.exists():
                raise


def newest(export_dir: str | os.PathLike) -> pathlib.Path | None:
    """Returns the folder of the highest version, None where there is none."""
    versions = [path for path in pathlib.Path(export_dir).glob("*") if path.name.isdecimal()]
    return max(versions, key=lambda path: int(path.name), default=None)
