"""Folders of maps that were computed elsewhere, as methods: a file for each image, by its name."""

import contextlib
import functools
import hashlib
import pathlib

import numpy as np

from salclass_tf.evaluation.methods import map_files, map_kinds, map_names, whole_maps
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import SALIENCY, Forward, Method


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files of a folder, and of those in it, that can be maps."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in map_files.SUFFIXES)
    return sorted(found)


def from_folder(folder: pathlib.Path, kind: str = "auto") -> list[Method]:
    """Returns the maps of a folder as a method.

    The map of image `cats/12.jpg` is `cats/12.npy`, `cats/12.jpg.npy` or the same with another of
    `map_files.SUFFIXES`, as large as the image; see `map_names.find`. With several data sets, each
    has a folder of its TFDS name inside this one.

    Args:
        folder: of the maps.
        kind: one of `map_kinds.KINDS`; "auto" goes by the first map that can be read, and all must
            be of that kind.
    """
    known = [(str(p.relative_to(folder)), p.stat()) for p in files(folder)]
    told_by_first = kind == "auto"
    kind = _detect(folder) if told_by_first else kind
    listing = repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in known] + [kind])
    return [
        Method(
            name=folder.name,
            model=f"{folder} ({len(known)} maps{map_kinds.NOTES[kind]})",
            fingerprint=hashlib.sha256(listing.encode()).hexdigest(),
            gives=frozenset({SALIENCY}),
            load=functools.partial(_forward, folder, kind, told_by_first),
            extras=("size",),
        )
    ]


def _detect(folder: pathlib.Path) -> str:
    """The kind of the first map that can be read; the others are named when they are needed."""
    for path in files(folder):
        with contextlib.suppress(ValueError):
            return map_kinds.detect(map_files.read(path))
    return "map"


def _forward(
    folder: pathlib.Path, kind: str, told_by_first: bool, dataset: EvaluatedSet
) -> Forward:
    """Reads the maps of a batch's images; knows before the first one whether all are there."""
    own = folder / dataset.name
    paths = _paths(own if own.is_dir() else folder, dataset)

    def one(path: pathlib.Path, size: np.ndarray) -> np.ndarray:
        values = map_files.read(path)
        if told_by_first:
            map_kinds.check_alike(values, kind, str(path))
        return map_kinds.fitting(values, size, kind, str(path))

    return whole_maps.answering(dataset, lambda name, size: one(paths[name], size))


def _paths(folder: pathlib.Path, dataset: EvaluatedSet) -> dict[str, pathlib.Path]:
    """The map of each image; see `map_names.find`."""
    places = [path.relative_to(folder) for path in files(folder)]
    maps = {place.as_posix(): place.with_suffix("").as_posix() for place in places}
    # Folders of other data sets lie in here, too: theirs are not taken for these images.
    found = map_names.find(maps, dataset.gaze, str(folder), dataset.title, more_folders=False)
    return {name: folder / place for name, place in found.items()}
