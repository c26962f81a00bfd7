"""HDF5 files of maps that were computed elsewhere, as methods: pysaliency's models."""

import functools
import pathlib

import numpy as np

from salclass_tf.evaluation.methods import map_kinds, map_names, whole_maps
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import (
    SALIENCY,
    Forward,
    Method,
    model_text,
)
from salclass_tf.hdf5_maps import MapFile
from salclass_tf.runs.files import hash_files


def from_file(path: pathlib.Path, kind: str = "auto") -> list[Method]:
    """Returns the maps of a file as a method.

    Args:
        path: see `hdf5_maps`.
        kind: one of `map_kinds.KINDS`; "auto" goes by the first map, and all must be of that kind.

    Raises:
        ValueError: if it holds something else than maps, or the first one cannot be read.
    """
    maps = MapFile(path)
    told_by_first = kind == "auto"
    if told_by_first:
        kind = map_kinds.detect(maps.read(maps.keys[0]))
    fingerprint = hash_files([path])
    told = map_kinds.NOTES[kind]
    return [
        Method(
            name=path.stem,
            model=f"{model_text(path, fingerprint)}, {len(maps.keys)} maps{told}",
            fingerprint=f"{fingerprint} {kind}",
            gives=frozenset({SALIENCY}),
            load=functools.partial(_forward, maps, kind, told_by_first),
            extras=("size",),
        )
    ]


def _forward(maps: MapFile, kind: str, told_by_first: bool, dataset: EvaluatedSet) -> Forward:
    """Reads the maps of a batch's images; knows before the first one whether all are there."""
    names_in = {key: key for key in maps.keys}
    keys = map_names.find(names_in, dataset.gaze, str(maps.path), dataset.title)

    def whole(name: str, size: np.ndarray) -> np.ndarray:
        values, source = maps.read(keys[name]), f"{maps.path}, {keys[name]}"
        if told_by_first:
            map_kinds.check_alike(values, kind, source)
        return map_kinds.fitting(values, size, kind, source)

    return whole_maps.answering(dataset, whole)
