"""Files that every worker reaches: on a disk that all of them have, or at an address (`gs://`)."""

import contextlib
import errno
import functools
import os
import pathlib
import tempfile
import uuid
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from salclass_tf.prediction import inputs
from salclass_tf.runs import files

_UNFINISHED = ".unfinished"
_AS_IT_IS = {"compression_type": CompressionTypes.UNCOMPRESSED}


def is_address(place: str) -> bool:
    """Whether a place is reached through one of Beam's file systems."""
    return "://" in place


def join(folder: str, name: str) -> str:
    """Returns the place of a file in a folder."""
    return f"{folder.rstrip('/')}/{name}"


def read(place: str) -> bytes:
    """Returns the content of a file.

    Raises:
        OSError: if it is not there, or cannot be read.
    """
    if not is_address(place):
        return inputs.read(pathlib.Path(place))
    try:
        with FileSystems.open(place, **_AS_IT_IS) as file:
            return file.read()
    except Exception:
        # A network that fails for a moment is not a missing image: the worker tries again.
        if FileSystems.exists(place):
            raise
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place) from None


def read_part(place: str, start: int, length: int) -> bytes:
    """Returns some bytes of a file."""
    with open_to_read(place) as file:
        file.seek(start)
        return file.read(length)


def open_to_read(place: str) -> BinaryIO:
    """Opens a file that can be sought in."""
    if is_address(place):
        return FileSystems.open(place, **_AS_IT_IS)
    return open(place, "rb")


def exists(place: str) -> bool:
    """Whether there is a file."""
    return FileSystems.exists(place)


class Unfinished:
    """A file that gets its name when it is whole.

    Args:
        place: the file; one of that name is replaced.

    Attributes:
        file: open to write to.
    """

    def __init__(self, place: str):
        folder, _, name = place.rpartition("/")
        self._place = place
        # Machines that fail for a while may write the same file at the same time.
        self._temporary = join(folder, f".{name}.{uuid.uuid4().hex}{_UNFINISHED}")
        if is_address(place):
            self.file: BinaryIO = FileSystems.create(self._temporary, **_AS_IT_IS)
        else:
            os.makedirs(folder, exist_ok=True)
            self.file = open(self._temporary, "wb")

    def publish(self) -> None:
        """Gives it its name."""
        self.file.close()
        if is_address(self._place):
            FileSystems.rename([self._temporary], [self._place])
        else:
            files.put(pathlib.Path(self._temporary), pathlib.Path(self._place))

    def discard(self) -> None:
        """Removes what has been written."""
        with contextlib.suppress(OSError):
            self.file.close()
        _remove(self._temporary)


def write(place: str, content: bytes) -> None:
    """Writes a file whole; its folder is made where there is none."""
    unfinished = Unfinished(place)
    try:
        unfinished.file.write(content)
        unfinished.publish()
    except BaseException:
        unfinished.discard()
        raise


def remove_unfinished(folder: str) -> None:
    """Removes what jobs that were killed have begun in a folder."""
    for name in names(folder):
        if name.startswith(".") and name.endswith(_UNFINISHED):
            _remove(join(folder, name))


def _remove(place: str) -> None:
    """Removes a file, if it is there."""
    with contextlib.suppress(OSError):
        if is_address(place):
            FileSystems.delete([place])
        else:
            os.remove(place)


def names(folder: str) -> list[str]:
    """Returns the names of the files in a folder; [] where there is none."""
    if not is_address(folder):
        return os.listdir(folder) if os.path.isdir(folder) else []
    return [place.rpartition("/")[2] for place in match(join(folder, "*"))]


def match(pattern: str) -> list[str]:
    """Returns the files that an address with `*` stands for, in alphabetical order."""
    [result] = FileSystems.match([pattern])
    return sorted(one.path for one in result.metadata_list)


@functools.cache
def local_copy(folder: str) -> str:
    """Returns a folder of this machine with the same files: itself, or a copy.

    A copy is made once, and goes when this process ends.
    """
    if not is_address(folder):
        return folder
    kept = pathlib.Path(_scratch().name, str(len(os.listdir(_scratch().name))))
    for place in match(join(folder, "**")):
        path = kept / place.removeprefix(folder).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read(place))
    return str(kept)


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory:
    """What it removes at the end of this process."""
    return tempfile.TemporaryDirectory(prefix="salclass-")
