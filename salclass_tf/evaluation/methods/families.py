"""Runs of several seeds as methods that belong together."""

import dataclasses
import pathlib

from salclass_tf.evaluation.methods import runs
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.runs.seeds import seeds_in


def is_family(folder: pathlib.Path) -> bool:
    """Whether a folder holds the runs of several seeds, see `training.families`."""
    return bool(seeds_in(folder))


def from_family(folder: pathlib.Path) -> list[Method]:
    """Returns the networks of all seeds, those of one stage behind one another.

    Raises:
        ValueError: if a seed has no finished stage.
    """
    found = [_of_seed(number, one) for number, one in seeds_in(folder).items()]
    order = dict.fromkeys(method.family for methods in found for method in methods)
    every = [method for methods in found for method in methods]
    return [method for name in order for method in every if method.family == name]


def _of_seed(number: int, folder: pathlib.Path) -> list[Method]:
    """The methods of one seed, their names with the seed."""

    def named(method: Method, family: str) -> Method:
        variants = tuple(named(variant, family) for variant in method.variants)
        name = f"{method.name}, seed {number}"
        return dataclasses.replace(method, name=name, family=family, variants=variants)

    return [named(method, method.name) for method in runs.from_run(folder)]
