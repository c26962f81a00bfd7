"""What is handed over: methods and data sets by name, and the maps of one method on one set."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np

from salclass_tf import hdf5_maps
from salclass_tf.data.geometry import WHOLE
from salclass_tf.evaluation.methods import evaluated_sets, lineup
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.lineup import Lineup
from salclass_tf.evaluation.methods.method import SALIENCY, Method

MAP, LOG_DENSITY = KINDS = ("map", "log_density")


@dataclasses.dataclass(frozen=True)
class Named:
    """What to hand over.

    Attributes:
        models: see `find.find`; may be empty for pysaliency.
        datasets: TFDS names; empty for those that the models were trained on.
        split: TFDS split or slice; None for the test part of each set.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        map_kind: what the numbers in folders and files of maps are, one of `map_kinds.KINDS`.
    """

    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    split: str | None = None
    data_dir: str | None = None
    manual_dir: str | None = None
    map_kind: str = "auto"

    def opened(self) -> Lineup:
        """Finds and opens everything before anything is computed.

        Raises:
            ValueError: if a model or a set is not there, or no set is known.
        """
        return lineup.open_all(
            self.models,
            self.datasets,
            self.split,
            self.data_dir,
            self.manual_dir,
            map_kind=self.map_kind,
            view=WHOLE,
        )


def of_method(method: Method, dataset: EvaluatedSet) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the names of a set's images and a method's maps of them, [h, w] each."""
    forward = method.load(dataset)
    for batch in dataset.read(f"{method.name} on {dataset.title}", *method.extras):
        answers = forward(batch)[SALIENCY]
        for index, name in enumerate(evaluated_sets.names(batch)):
            yield name, answers[index, ..., 0]


def write_hdf5(
    method: Method,
    dataset: EvaluatedSet,
    keys: dict[str, str],
    path: pathlib.Path,
    kind: str,
    dtype: type = np.float64,
) -> None:
    """Writes the maps of a method, see `hdf5_maps`.

    Args:
        method: gives maps.
        dataset: whole images.
        keys: name of an image -> name of its file.
        path: the file.
        kind: one of `KINDS`: the numbers as they are, or natural logarithms of them as
            probabilities.
        dtype: of the numbers. pysaliency computes in the type that it reads, float32 sums among
            it, which is seen in the seventh digit of SIM and KL.
    """
    with hdf5_maps.write(path) as add:
        for name, saliency in of_method(method, dataset):
            if kind == LOG_DENSITY:
                saliency = hdf5_maps.log_density(saliency)
            add(keys[name], saliency.astype(dtype))


def file_names(methods: Sequence[Method]) -> dict[Method, str]:
    """Returns names of files for methods, unlike each other."""
    used, names = set(), {}
    for method in methods:
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", method.name).strip("_.") or "model"
        name, number = stem, 1
        while name.casefold() in used:
            number += 1
            name = f"{stem}-{number}"
        used.add(name.casefold())
        names[method] = name
    return names
