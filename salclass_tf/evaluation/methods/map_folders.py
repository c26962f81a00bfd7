"""Folders of maps that were computed elsewhere, as methods: a file for each image, by its name."""

import collections
import contextlib
import functools
import hashlib
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from salclass_tf.data.geometry import WHOLE
from salclass_tf.evaluation.methods import crops, map_files, map_kinds
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet, names
from salclass_tf.evaluation.methods.method import SALIENCY, Answers, Forward, Method
from salclass_tf.hdf5_maps import without_extension


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files of a folder, and of those in it, that can be maps."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in map_files.SUFFIXES)
    return sorted(found)


def from_folder(folder: pathlib.Path, kind: str = "auto") -> list[Method]:
    """Returns the maps of a folder as a method.

    The map of image `cats/12.jpg` is `cats/12.npy`, `cats/12.jpg.npy` or the same with another of
    `map_files.SUFFIXES`, as large as the image. With several data sets, each has a folder of its
    TFDS name inside this one.

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

    def answer(batch: Batch) -> Answers:
        sizes = batch["size"].numpy()
        read = [one(paths[n], size) for n, size in zip(names(batch), sizes, strict=True)]
        if dataset.view == WHOLE:
            return {SALIENCY: np.stack(read)[..., np.newaxis]}
        cropped = [
            crops.central_map(tf.constant(whole[..., None], tf.float32), size, dataset.geometry)
            for whole, size in zip(read, sizes, strict=True)
        ]
        return {SALIENCY: tf.stack(cropped).numpy()}

    return answer


def _paths(folder: pathlib.Path, dataset: EvaluatedSet) -> dict[str, pathlib.Path]:
    """The map of each image.

    Raises:
        ValueError: if images have no map, or several; it says how many, and which is the first.
    """
    maps_in = functools.cache(_maps_in)  # each folder is listed once
    found = {name: _find(folder, name, maps_in) for name in dataset.gaze}
    missing = [name for name, paths in found.items() if not paths]
    if missing:
        raise ValueError(
            f"{folder} lacks the maps of {len(missing)} of {len(found)} images of "
            f"{dataset.title}, the first is {missing[0]!r}; a map is called as its image, "
            f"such as {missing[0]}.png or .npy"
        )
    doubtful = [name for name, paths in found.items() if len(paths) > 1]
    if doubtful:
        one, other = found[doubtful[0]][:2]
        raise ValueError(
            f"{folder} has several maps for {len(doubtful)} of {len(found)} images of "
            f"{dataset.title}, the first are {one.name} and {other.name}: keep one of them"
        )
    return {name: path for name, [path] in found.items()}


def _maps_in(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """The maps right in a folder by name without ending, which may be in capitals."""
    found = collections.defaultdict(list)
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in map_files.SUFFIXES and path.is_file():
            found[path.stem].append(path)
    return dict(found)


def _find(
    folder: pathlib.Path, name: str, maps_in: Callable[[pathlib.Path], dict]
) -> list[pathlib.Path]:
    """The maps of an image, by its name with or, if there is none, without its extension."""
    wanted = (folder / base for base in (name, without_extension(name)))
    there = (maps_in(path.parent).get(path.name) for path in wanted)
    return next(filter(None, there), [])
