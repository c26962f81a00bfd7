"""Data sets and maps as the files of the package pysaliency: what `salclass pysaliency` runs."""

import pathlib
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from salclass_tf import hdf5_maps
from salclass_tf.evaluation.hand_over import maps
from salclass_tf.evaluation.methods import evaluated_sets
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from tfds_builders.pysaliency_folder import writing

TRUE_MAPS, PRIOR = "true_maps.hdf5", "prior.hdf5"
#: kind -> folder of the methods' files
FOLDERS = {maps.MAP: "maps", maps.LOG_DENSITY: "log_densities"}


def hand_over(
    named: maps.Named, output: pathlib.Path, kinds: Sequence[str] = maps.KINDS
) -> list[pathlib.Path]:
    """Writes data sets and maps as files that pysaliency reads.

    For each set a folder of its name: `images/`, `stimuli.hdf5`, `fixations.hdf5`, `facts.json`;
    `true_maps.hdf5`, the heat maps that CC, SIM and KL compare with; `prior.hdf5`, log densities
    that information gain compares with; and for each method that gives maps `maps/NAME.hdf5`, the
    maps as they are, for `HDF5SaliencyMapModel`, and `log_densities/NAME.hdf5`, natural logarithms
    of them as probabilities, for `HDF5Model`.

    Args:
        named: methods and sets.
        output: folder of the sets' folders.
        kinds: which files of methods, some of `maps.KINDS`.

    Returns:
        The folders.

    Raises:
        ValueError: for anything the user can fix.
    """
    unknown = sorted(set(kinds) - set(maps.KINDS))
    if unknown or not kinds:
        got = unknown[0] if unknown else "none"
        raise ValueError(f"kinds are {', '.join(maps.KINDS)}; got {got}")
    found = named.opened()
    names = maps.file_names(found.map_givers() if named.models else ())
    folders = []
    for opened in found.sets:
        dataset = found.scored(opened, None)
        folder = output / dataset.name
        bar = tqdm(desc=f"stimuli of {dataset.title}", leave=False, disable=None)
        with bar:
            keys = writing.write(opened[0].builder, opened[1], folder, bar.update)
        if any(len(recording.xy) for recording in dataset.gaze.values()):
            _write_truth(dataset, keys, folder)
        else:  # what is there is of another split
            for name in (TRUE_MAPS, PRIOR):
                (folder / name).unlink(missing_ok=True)
        for method, stem in names.items():
            for kind in kinds:
                path = folder / FOLDERS[kind] / f"{stem}.hdf5"
                maps.write_hdf5(method, dataset, keys, path, kind)
        folders.append(folder)
    return folders


def _write_truth(dataset: EvaluatedSet, keys: dict[str, str], folder: pathlib.Path) -> None:
    """Writes what maps are compared with: true maps, and where people look on other images."""
    gaze, sigma_px = dataset.gaze, dataset.sigma_in_view_px
    with (
        hdf5_maps.write(folder / TRUE_MAPS) as add_truth,
        hdf5_maps.write(folder / PRIOR) as add_prior,
    ):
        for batch in dataset.read(f"true maps of {dataset.title}"):
            for index, name in enumerate(evaluated_sets.names(batch)):
                truth = batch["saliency"][index, ..., 0].numpy()
                add_truth(keys[name], truth.astype(np.float64))
                add_prior(keys[name], hdf5_maps.log_density(gaze.prior(name, sigma_px)))
