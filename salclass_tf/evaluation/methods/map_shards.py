"""Shards of predictions, as methods: the maps that `predict.py --runner` has written."""

import functools
import hashlib
import io
import pathlib

import numpy as np

from salclass_tf.evaluation.methods import map_files, map_kinds, map_names, whole_maps
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import SALIENCY, Forward, Method
from salclass_tf.prediction_shards import Shards, files


def from_folder(folder: pathlib.Path, kind: str = "auto") -> list[Method]:
    """Returns the maps of a folder of shards as a method.

    Args:
        folder: see `prediction_shards`.
        kind: one of `map_kinds.KINDS`; "auto" goes by the first map, and all must be of that kind.

    Raises:
        ValueError: if a shard is missing, damaged or of another job, or they hold no maps.
    """
    shards = Shards(folder)
    told_by_first = kind == "auto"
    if told_by_first:
        kind = map_kinds.detect(_numbers(shards, shards.names[0])) if shards.names else "map"
    known = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files(folder)]
    told = f"{len(shards.names)} maps{map_kinds.NOTES[kind]}"
    return [
        Method(
            name=folder.name,
            model=f"{folder} ({told}; {shards.facts.get('model', 'unknown model')})",
            fingerprint=hashlib.sha256(repr([known, kind]).encode()).hexdigest(),
            gives=frozenset({SALIENCY}),
            load=functools.partial(_forward, shards, kind, told_by_first),
            extras=("size",),
        )
    ]


def _numbers(shards: Shards, name: str) -> np.ndarray:
    """The map of an image, float64 [h, w]."""
    file, ending = io.BytesIO(shards.read(name)), f".{shards.facts['map_format']}"
    return map_files.parse(file, ending, f"{shards.folder}, {name}")


def _forward(shards: Shards, kind: str, told_by_first: bool, dataset: EvaluatedSet) -> Forward:
    """Reads the maps of a batch's images; knows before the first one whether all are there."""
    everything = {name: name for name in (*shards.names, *shards.skipped)}
    found = map_names.find(everything, dataset.gaze, str(shards.folder), dataset.title)
    for image, name in found.items():
        if name in shards.skipped:
            raise ValueError(
                f"{shards.folder} has no map of {image}: it was skipped ({shards.skipped[name]})"
            )

    def one(name: str, size: np.ndarray) -> np.ndarray:
        values, source = _numbers(shards, found[name]), f"{shards.folder}, {found[name]}"
        if told_by_first:
            map_kinds.check_alike(values, kind, source)
        return map_kinds.fitting(values, size, kind, source)

    return whole_maps.answering(dataset, one)
