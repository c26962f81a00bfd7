"""pysaliency's stimuli: pictures as arrays in an HDF5 file, or a list of image files."""

import dataclasses
import io
import os
import pathlib
from collections.abc import Sequence

import h5py
import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common.photographs import StoredImage
from tfds_builders.pysaliency_folder import layout

_IN_FILE, _AS_FILES = KINDS = ("Stimuli", "FileStimuli")
# From this edition on the names are relative to the HDF5 file.
_RELATIVE = (2, 0)


@dataclasses.dataclass(frozen=True)
class Stimulus:
    """A picture of a file of stimuli, read when asked for.

    Attributes:
        name: what tells it from the others: its file name without what all names begin with and
            without extension, or its number.
        path: the image file; None where the pixels are in the HDF5 file.
        container: the HDF5 file.
        number: place in it, from 0.
    """

    name: str
    path: tfds.core.Path | None
    container: str
    number: int

    def image(self) -> tfds.core.Path | StoredImage:
        """Returns the image file, or the pixels as a PNG.

        Raises:
            ValueError: if there are pixels, but not those of a grey or RGB image of 8 bits.
        """
        if self.path is not None:
            return self.path
        where = f"{self.container}, stimulus {self.number}"
        with layout.opened(self.container) as file:
            pixels = file[str(self.number)][...]
        if (
            pixels.dtype != np.uint8
            or pixels.ndim not in (2, 3)
            or pixels.shape[2:]
            not in (
                (),
                (3,),
            )
        ):
            raise ValueError(
                f"{where} must be uint8, [h, w] or [h, w, 3]; got {pixels.dtype} "
                f"{list(pixels.shape)}: store it so"
            )
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "PNG")
        return StoredImage(encoded.getvalue(), where)


def read(path: str | os.PathLike) -> list[Stimulus]:
    """Lists the stimuli of a file.

    Args:
        path: what `Stimuli.to_hdf5` or `FileStimuli.to_hdf5` has written.

    Returns:
        The stimuli, in the file's order, which fixations refer to.

    Raises:
        FileNotFoundError: if the file is absent.
        ValueError: if it is another one, or two stimuli have one name.
    """
    with layout.opened(path) as file:
        found = layout.kind(file)
        if found not in KINDS:
            raise ValueError(
                f"{path} must hold pysaliency's {' or '.join(KINDS)}; it holds "
                f"{found or 'something without a type'}: write it with stimuli.to_hdf5"
            )
        names = [layout.text(name) for name in file["filenames"][...]] if _is_named(file) else []
        if found == _IN_FILE:
            count = int(file.attrs["size"])
            paths = [None] * count
            names = names or [str(number) for number in range(count)]
        else:
            folder = pathlib.Path(path).parent if _edition(file) >= _RELATIVE else pathlib.Path()
            paths = [tfds.core.Path(folder / name) for name in names]
    short = short_names(names)
    if len(set(short)) < len(short):
        twice = next(name for name in short if short.count(name) > 1)
        raise ValueError(f"{path}: every stimulus needs a name of its own; got {twice!r} twice")
    return [
        Stimulus(name, image, os.fspath(path), number)
        for number, (name, image) in enumerate(zip(short, paths, strict=True))
    ]


def write(path: str | os.PathLike, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> None:
    """Writes a list of image files as `FileStimuli`, edition 2.1, which pysaliency 0.2.22 reads.

    Args:
        path: the HDF5 file.
        names: of the image files, relative to the folder of `path`, with forward slashes.
        shapes: height and width of each in pixels, and 3 of one with colours.
    """
    with h5py.File(path, "w") as file:
        file.attrs["type"] = np.bytes_("FileStimuli")
        file.attrs["version"] = np.bytes_("2.1")
        file.attrs["size"] = len(names)
        file.attrs["__attributes__"] = np.bytes_("[]")
        file.create_dataset("filenames", data=list(names), dtype=h5py.string_dtype())
        stored = file.create_dataset("shapes", (len(names),), h5py.vlen_dtype(np.int64))
        for number, shape in enumerate(shapes):
            stored[number] = np.array(shape)


def short_names(names: Sequence[str]) -> list[str]:
    """Returns file names without the folders that all of them begin with, and without extensions.

    So pysaliency names the maps of a model. Extensions stay where names would not differ without.
    """
    parts = [pathlib.PurePath(name.replace("\\", "/")).parts for name in names]
    shared = 0
    while len({part[shared] for part in parts if len(part) > shared + 1}) == 1 and all(
        len(part) > shared + 1 for part in parts
    ):
        shared += 1
    short = ["/".join(part[shared:]) for part in parts]
    stems = [str(pathlib.PurePosixPath(name).with_suffix("")) for name in short]
    return stems if len(set(stems)) == len(stems) else short


def _is_named(file: h5py.File) -> bool:
    """Whether there are file names: always of image files, of pixels as an attribute."""
    return "filenames" in file


def _edition(file: h5py.File) -> tuple[int, ...]:
    """The version of the layout."""
    return tuple(int(number) for number in layout.text(file.attrs["version"]).split("."))
