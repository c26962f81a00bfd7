"""Which images are meant: files, folders and patterns, as a user names them."""

import glob
import os
import pathlib
import stat
from collections.abc import Iterator, Sequence

from salclass_tf.data.photographs import SUFFIXES
from tfds_builders.common import user_files


def find_images(
    arguments: Sequence[str], out_dir: str | os.PathLike, listed: Sequence[str] = ()
) -> list[pathlib.Path]:
    """Finds the images that files, folders and patterns stand for.

    Args:
        arguments: a file, whatever its ending; a folder, of which and below which all images are
            taken; or a pattern such as `photos/**/*.jpg`. Hidden files need to be named.
        out_dir: a folder whose content is nothing to predict: earlier predictions.
        listed: paths of files, see `read_list`; they come last.

    Returns:
        Each file once, those of a folder or pattern in alphabetical order.

    Raises:
        ValueError: if nothing is named, or an argument stands for nothing; or if a linked folder
            leads back to one that it lies in.
    """
    if not arguments and not listed:
        raise ValueError("no images; name files, folders or patterns: predict.py photos/*.jpg")
    found = {}
    for argument in arguments:
        paths = list(_expand(argument, pathlib.Path(out_dir).resolve()))
        if not paths:
            raise ValueError(f"no images in {argument!r}; its files end in none of: {_endings()}")
        for path in paths:
            found.setdefault(os.path.abspath(path), path)
    for path in map(pathlib.Path, listed):
        found.setdefault(os.path.abspath(path), path)
    return list(found.values())


def read_list(file: str | os.PathLike) -> list[str]:
    """Reads the paths of images from a text file, a line each; empty lines are none.

    Whether an image is there shows when it is predicted: of a million, some are not.

    Raises:
        ValueError: if the file is not there, no text in UTF-8, or without a path.
    """
    try:
        paths = [line for line in pathlib.Path(file).read_text("utf-8").splitlines() if line]
    except OSError as error:
        raise ValueError(f"cannot read the list of images {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the list of images {file} must be text in UTF-8, a path per line ({error})"
        ) from error
    if not paths:
        raise ValueError(f"the list of images {file} is empty; it has a path per line")
    return paths


def common_folder(arguments: Sequence[str], listed: Sequence[str] = ()) -> pathlib.Path:
    """Returns the deepest folder that holds all that files, folders and patterns can stand for.

    Seen from it, images keep the folders that tell them apart.

    Args:
        arguments: see `find_images`.
        listed: see there.
    """
    bases = [_base(argument) for argument in arguments]
    bases += {os.path.dirname(os.path.abspath(path)) for path in listed}
    return pathlib.Path(os.path.commonpath(bases))


def read(path: pathlib.Path) -> bytes:
    """Returns the content of a file; a named pipe, which nobody may ever write to, is not read.

    Raises:
        OSError: if it cannot be read, or is no file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("no regular file")
    return path.read_bytes()


def _base(argument: str) -> str:
    """The folder that an argument is about, absolute."""
    path = pathlib.Path(argument)
    if not path.exists():
        while glob.has_magic(str(path)):
            path = path.parent
        return os.path.abspath(path)
    return os.path.abspath(path if path.is_dir() else path.parent)


def _expand(argument: str, out_dir: pathlib.Path) -> Iterator[pathlib.Path]:
    """The files that one argument stands for."""
    path = pathlib.Path(argument)
    if path.is_dir():
        yield from _in_folder(path, out_dir)
    elif path.exists():
        yield path
    elif glob.has_magic(argument):
        matches = sorted(glob.glob(argument, recursive=True))
        if not matches:
            raise ValueError(f"no file matches {argument!r}")
        for match in map(pathlib.Path, matches):
            if match.is_dir():
                yield from _in_folder(match, out_dir)
            elif out_dir not in match.resolve().parents:
                yield match
    else:
        raise ValueError(f"no such file or folder: {argument!r}")


def _in_folder(folder: pathlib.Path, out_dir: pathlib.Path) -> Iterator[pathlib.Path]:
    """The images in and below a folder."""
    for here, folders, names in user_files.walk(folder):
        # In place: `walk` goes on with what is left.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != out_dir
        )
        for name in sorted(names):
            if not name.startswith(".") and pathlib.Path(name).suffix.lower() in SUFFIXES:
                yield here / name


def _endings() -> str:
    return ", ".join(sorted(SUFFIXES))
