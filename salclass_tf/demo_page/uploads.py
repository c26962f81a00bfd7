"""The files that visitors uploaded, and the one way to read them."""

import dataclasses
import os
import pathlib
import stat

# A link is not followed and a named pipe not waited for, should one take a checked file's place.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class NotUploadedError(ValueError):
    """A request names what is not an upload; the message is the same for whatever it names."""

    def __init__(self) -> None:
        """Says nothing of the path: neither whether it exists, nor what is there."""
        super().__init__("There is no such upload here (any more). Choose the picture again.")


@dataclasses.dataclass(frozen=True)
class Uploads:
    """The folder of the uploads.

    Attributes:
        folder: where Gradio puts them, each in a folder of its own.
        max_bytes: the largest that is read.
    """

    folder: pathlib.Path
    max_bytes: int

    def __contains__(self, path: object) -> bool:
        """Tells whether a path is one below the folder, by its text alone: no file is touched."""
        try:
            inner = pathlib.Path(os.path.abspath(path)).relative_to(os.path.abspath(self.folder))
        except (TypeError, ValueError):
            return False
        return bool(inner.parts)

    def read(self, path: object) -> bytes:
        """Reads an upload.

        Args:
            path: what a request says; whatever it is.

        Returns:
            Content of the file.

        Raises:
            NotUploadedError: unless it is a regular file of at most `max_bytes` inside the folder,
                reached without a link.
        """
        if path not in self:
            raise NotUploadedError
        try:
            place = self._checked(pathlib.Path(os.path.abspath(path)))
            with open(os.open(place, _FLAGS), "rb") as file:
                _check(os.fstat(file.fileno()))
                content = file.read(self.max_bytes + 1)
        except (OSError, ValueError):
            raise NotUploadedError from None
        if len(content) > self.max_bytes:
            raise NotUploadedError
        return content

    def _checked(self, path: pathlib.Path) -> pathlib.Path:
        """The path without links, after it was looked at and not opened."""
        _check(os.lstat(path))
        place = path.resolve(strict=True)
        if place != self.folder.resolve() / path.relative_to(os.path.abspath(self.folder)):
            raise NotUploadedError
        return place


def _check(status: os.stat_result) -> None:
    """Refuses all but regular files."""
    if not stat.S_ISREG(status.st_mode):
        raise NotUploadedError
