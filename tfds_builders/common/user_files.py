"""The files that people bring: their names, and the tables among them."""

import contextlib
import csv
import gzip
import os
import pathlib
import stat
import unicodedata
import zlib
from collections.abc import Iterator
from typing import TextIO


def composed(name: str) -> str:
    """Returns a name with composed characters, by which those of files and tables meet.

    File systems of macOS may write `é` as `e` and an accent, which other programs do not.

    Args:
        name: of a file or a person.

    Returns:
        The same text in Unicode's normal form C.
    """
    return unicodedata.normalize("NFC", name)


@contextlib.contextmanager
def opened_table(path: str | os.PathLike) -> Iterator[TextIO]:
    """Opens a table of text; what makes it unreadable while inside the `with` names the file.

    Args:
        path: a CSV file in UTF-8, with or without a mark; as it is or packed by gzip (`.gz`).

    Yields:
        The file, for the module csv.

    Raises:
        ValueError: if it is in another encoding, no CSV, or damaged.
    """
    check_regular(path)
    opener = gzip.open if pathlib.Path(path).suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} must be a CSV file in UTF-8 ({error}); save it so") from error


def check_regular(path: str | os.PathLike) -> None:
    """Checks that a path is a file that can be read to its end, where a named pipe is waited for.

    Args:
        path: the file; a link to one is one.

    Raises:
        OSError: if nothing is there.
        ValueError: if it is a pipe, a device or a folder.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{path} must be a regular file; remove or rename it")


def names_below(top: str | os.PathLike) -> list[str]:
    """Lists the files below a folder, as texts, which take a fraction of the memory of paths.

    Args:
        top: the folder.

    Returns:
        Their names from there on, in the order of the paths: by folder, then by name.

    Raises:
        ValueError: as `walk` does.
    """
    names = [
        os.path.relpath(folder / name, top)
        for folder, _, files in walk(top)
        for name in files
        if (folder / name).is_file()
    ]
    return sorted(names, key=lambda name: name.split(os.sep))


def walk(top: str | os.PathLike) -> Iterator[tuple[pathlib.Path, list[str], list[str]]]:
    """Walks a folder as `os.walk` does, through links to folders as well, hidden ones aside.

    Args:
        top: the folder.

    Yields:
        A folder, and the names of its folders and files; the former may be shortened in place.

    Raises:
        ValueError: if a link leads back to a folder on the way to it: there would be no end.
    """
    top = pathlib.Path(top)
    for name, folders, files in os.walk(top, followlinks=True):
        here = pathlib.Path(name)
        linked = {one for one in folders if (here / one).is_symlink()}
        folders[:] = [one for one in folders if one not in linked or not one.startswith(".")]
        yield here, folders, files
        for link in (here / one for one in folders if one in linked):
            # Through other links, what lies above by name need not be what does on the disk.
            above = (here, *here.parents)[: len(here.relative_to(top).parts) + 1]
            if any(one.resolve().is_relative_to(link.resolve()) for one in above):
                raise ValueError(f"{link} leads back to a folder that it lies in; remove the link")
