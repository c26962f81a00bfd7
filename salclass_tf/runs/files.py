"""Small files that are written whole or not at all, and read with a clear error."""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Iterable


def put(temporary: pathlib.Path, path: pathlib.Path) -> None:
    """Gives a finished file its name, once its content is on the disk.

    Without the wait a machine that loses power could keep the name and lose the content.

    Args:
        temporary: the file, in the folder of `path`.
        path: its name from now on; a file that has it is replaced.
    """
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file; its folder is made if it is not there.

    Raises:
        OSError: if it cannot be written; what it left behind is removed.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text)
        put(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OSError(
            f"cannot write {path}: {error.strerror}; mend that, then the same command goes on"
        ) from error


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes a JSON file; its folder is made if it is not there."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: pathlib.Path) -> dict:
    """Reads a JSON file of a stage.

    Raises:
        ValueError: if it holds no JSON object; the message says what to do.
    """
    try:
        content = json.loads(path.read_text())
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
