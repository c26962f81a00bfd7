"""Folders of maps that were computed elsewhere, as methods: PNG or NPY, by the image's name."""

import functools
import hashlib
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from salclass_tf.evaluation.methods import crops, map_kinds
from salclass_tf.evaluation.methods.crops_of_sets import Batch, EvaluatedSet, names
from salclass_tf.evaluation.methods.method import SALIENCY, Answers, Forward, Method
from salclass_tf.metrics import maps

_SUFFIXES = (".npy", ".png")
_IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_GREY = ("L", "1", "I", "I;16", "F")


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files of a folder, and of those in it, that can be maps."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return sorted(found)


def from_folder(folder: pathlib.Path, kind: str = "auto") -> list[Method]:
    """Returns the maps of a folder as a method.

    The map of image `cats/12.jpg` is `cats/12.npy`, `cats/12.jpg.npy` or the same with `.png`, as
    large as the image. With several data sets, each has a folder of its TFDS name inside this one.

    Args:
        folder: of the maps.
        kind: one of `map_kinds.KINDS`; "auto" goes by the first map, and all must be of that kind.

    Raises:
        ValueError: if the first map cannot be read.
    """
    known = [(str(p.relative_to(folder)), p.stat()) for p in files(folder)]
    if kind == "auto":
        kind = map_kinds.detect(_read(files(folder)[0]))
    listing = repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in known] + [kind])
    return [
        Method(
            name=folder.name,
            model=f"{folder} ({len(known)} maps{map_kinds.NOTES[kind]})",
            fingerprint=hashlib.sha256(listing.encode()).hexdigest(),
            gives=frozenset({SALIENCY}),
            load=functools.partial(_forward, folder, kind),
            extras=("size",),
        )
    ]


def _forward(folder: pathlib.Path, kind: str, dataset: EvaluatedSet) -> Forward:
    """Reads the maps of a batch's images; knows before the first one whether all are there."""
    own = folder / dataset.name
    folder = own if own.is_dir() else folder
    paths = {name: _find(folder, name) for name in dataset.gaze}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise ValueError(
            f"{folder} lacks the maps of {len(missing)} of {len(paths)} images of "
            f"{dataset.title}, the first is {missing[0]!r}; a map is called as its image, "
            f"such as {missing[0]}.png or .npy"
        )

    def answer(batch: Batch) -> Answers:
        sizes = batch["size"].numpy()
        read = (read_map(paths[n], size, kind) for n, size in zip(names(batch), sizes, strict=True))
        cropped = [
            crops.central_map(tf.constant(whole[..., None], tf.float32), size, dataset.geometry)
            for whole, size in zip(read, sizes, strict=True)
        ]
        return {SALIENCY: tf.stack(cropped).numpy()}

    return answer


def read_map(path: pathlib.Path, size: tuple[int, int], kind: str = "map") -> np.ndarray:
    """Reads a map.

    Args:
        path: grey PNG of 8 or 16 bits, or NPY [h, w] or [h, w, 1] of numbers.
        size: height and width of its image.
        kind: what its numbers are, see `map_kinds.as_map`.

    Returns:
        float64 [h, w].

    Raises:
        ValueError: if it is none, holds NaN, or has another size; the message names the file.
    """
    return map_kinds.fitting(_read(path), size, kind, str(path))


def _read(path: pathlib.Path) -> np.ndarray:
    """The numbers of a file, float64 [h, w]."""
    try:
        values = np.load(path) if path.suffix.lower() == ".npy" else _read_png(path)
        if values.ndim == 3 and values.shape[-1] == 1:
            values = values[..., 0]
        return maps.as_map(values)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path}: {error}") from error


def _read_png(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as image:
        if image.mode not in _GREY:
            raise ValueError(f"a map must be grey, one channel; got mode {image.mode}")
        return np.asarray(image)


def _find(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    """The map of an image, by its name with or without the extension of the image file."""
    path = pathlib.PurePosixPath(name)
    is_file = path.suffix.lower() in _IMAGE_SUFFIXES  # what follows the dot in "a.2" is a name
    bases = (name, str(path.with_suffix(""))) if is_file else (name,)
    candidates = (folder / (base + suffix) for base in bases for suffix in _SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)
