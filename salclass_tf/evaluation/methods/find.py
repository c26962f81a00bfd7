"""From what a user names to methods: runs, stages, networks, exports, maps in files."""

import dataclasses
import pathlib

from salclass_tf import hdf5_maps, prediction_shards
from salclass_tf.evaluation.methods import (
    exports,
    families,
    hdf5_files,
    map_folders,
    map_shards,
    runs,
)
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.runs import finished_export
from salclass_tf.runs.finished_stage import KEPT, METRICS, SETTINGS


def find(text: str, map_kind: str = "auto") -> list[Method]:
    """Returns the methods that a path stands for.

    Args:
        text: path of a run, of the runs of several seeds, of a stage in either, of a `.keras` file,
            of an export or one of its versions, of a folder of maps or of shards of predictions, or
            of an HDF5 file of maps; `NAME=PATH` gives the rows a name.
        map_kind: what the numbers of maps from files are, one of `map_kinds.KINDS`.

    Raises:
        ValueError: if it is nothing of that; the message says what is there.
    """
    name, path = split(text)
    methods = _at(path, map_kind)
    if not name:
        return methods
    if len(methods) == 1 and not methods[0].family:
        return [dataclasses.replace(methods[0], name=name)]
    if families.is_stage(path):
        return families.called(methods, name)
    return [_named(method, name) for method in methods]


def split(text: str) -> tuple[str, pathlib.Path]:
    """Returns the name, "" where there is none, and the path; one that exists may hold "="."""
    name, equals, path = text.partition("=")
    if not equals or pathlib.Path(text).exists():
        return "", pathlib.Path(text)
    return name.strip(), pathlib.Path(path)


def _named(method: Method, name: str) -> Method:
    """One of several methods at a path with the name that the path was given."""
    family = f"{name}: {method.family}" if method.family else ""
    variants = tuple(_named(one, name) for one in method.variants)
    return dataclasses.replace(
        method, name=f"{name}: {method.name}", family=family, variants=variants
    )


def _at(path: pathlib.Path, map_kind: str) -> list[Method]:
    """The methods at a path."""
    if families.is_stage(path):
        return families.from_stage(path)
    if not path.exists():
        raise ValueError(f"there is nothing at {path}; name a run, a network or a folder of maps")
    if path.is_file():
        if path.suffix.lower() in hdf5_maps.SUFFIXES:
            return hdf5_files.from_file(path, map_kind)
        if path.suffix != ".keras":
            raise ValueError(f"a file must be a network, .keras, or maps, .hdf5; got {path}")
        return runs.from_file(path)
    if runs.is_stage(path):
        return runs.from_stage(path)
    if runs.is_run(path):
        return runs.from_run(path)
    if families.is_family(path):
        return families.from_family(path)
    exported = finished_export.find(path)
    if exported is not None:
        return exports.from_export(exported)
    if prediction_shards.files(path):
        return map_shards.from_folder(path, map_kind)
    if map_folders.files(path):
        return map_folders.from_folder(path, map_kind)
    raise ValueError(
        f"{path} holds nothing to evaluate: no finished stage of a run ({SETTINGS}, "
        f"{METRICS}, {KEPT}), no export (saved_model.pb), no shards of predictions and no maps "
        "(.png, .npy)"
    )
