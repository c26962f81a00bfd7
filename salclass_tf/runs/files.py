"""Files that are written whole or not at all, and read with a clear error."""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Iterable, Iterator

from salclass_tf import failures


def put(temporary: pathlib.Path, path: pathlib.Path, durable: bool = True) -> None:
    """Gives a finished file its name.

    Args:
        temporary: the file, on the disk of `path`.
        path: its name from now on; a file that has it is replaced.
        durable: whether to wait until the content is on the disk. Without the wait a machine that
            loses power could keep the name and lose the content.
    """
    if durable:
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
    os.replace(temporary, path)


def put_folder(temporary: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Gives a finished folder its name, and returns that.

    Args:
        temporary: the folder, on the disk of `folder`.
        folder: its name from now on.

    Raises:
        OSError: if there is a folder of that name that holds something.
    """
    return temporary.rename(folder)


@contextlib.contextmanager
def whole(path: pathlib.Path, durable: bool = True) -> Iterator[pathlib.Path]:
    """Gives a path to write to; what is there at the end of the `with` becomes the file.

    Args:
        path: the file; its folder is made if it is not there.
        durable: see `put`.

    Yields:
        A path in the same folder, with the same ending. After an error nothing stays there.

    Raises:
        OSError: naming the file, if the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    try:
        with failures.full_disk_named(path):
            yield temporary
            put(temporary, path, durable)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_bytes(path: pathlib.Path, content: bytes, durable: bool = True) -> None:
    """Writes a file; its folder is made if it is not there.

    Args:
        path: the file.
        content: all of it.
        durable: see `put`.

    Raises:
        OSError: if it cannot be written; what it left behind is removed.
    """
    try:
        with whole(path, durable) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        if failures.is_full_disk(error):
            raise
        raise OSError(
            f"cannot write {path}: {error.strerror or error}; fix that, then give the same command "
            "again"
        ) from error


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file in UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes a JSON file; its folder is made if it is not there."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: pathlib.Path) -> dict:
    """Reads a JSON file of a stage.

    Raises:
        ValueError: if it holds no JSON object; the message says what to do.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"it holds {content!r}")
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}); restore it, or remove {path.parent} to train that "
            "stage again"
        ) from error
    return content


def hash_files(paths: Iterable[pathlib.Path]) -> str:
    """Returns the SHA-256 of the contents of files, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
