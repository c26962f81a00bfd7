"""Runs of several seeds as methods that belong together."""

import dataclasses
import pathlib

from salclass_tf.config import ROLES
from salclass_tf.evaluation.methods import runs
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.runs.seeds import seeds_in
from salclass_tf.training import map_use


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


def is_stage(path: pathlib.Path) -> bool:
    """Whether a path is that of a stage in the folder of such runs, which each of them has."""
    return path.name in ROLES and not path.exists() and is_family(path.parent)


def from_stage(path: pathlib.Path) -> list[Method]:
    """Returns the networks of one stage of all seeds.

    Args:
        path: of the runs, with the name of the stage: `seeds/joint`.

    Raises:
        ValueError: if a seed has not finished that stage.
    """
    found = []
    for number, folder in seeds_in(path.parent).items():
        stage = folder / path.name
        if not runs.is_stage(stage):
            raise ValueError(
                f"seed {number} of {path.parent} has no finished stage {path.name}; finish it: "
                f"python train.py --stage={path.name} --seeds={number} "
                f"--workdir={path.parent.parent}, or remove its folder"
            )
        found += [_named(method, number, method.name) for method in runs.from_stage(stage)]
    return found


def called(methods: list[Method], name: str) -> list[Method]:
    """Returns the networks of several seeds, which make one family, under another name of it."""

    def renamed(method: Method, family: str) -> Method:
        own = name if method.family == family else f"{name}: {method.family}"  # a twin's, its own
        variants = tuple(renamed(variant, family) for variant in method.variants)
        text = own + method.name.removeprefix(method.family)
        return dataclasses.replace(method, name=text, family=own, variants=variants)

    return [renamed(method, method.family) for method in methods]


def _of_seed(number: int, folder: pathlib.Path) -> list[Method]:
    """The methods of one seed, their names with the seed."""
    return [_named(method, number, method.name) for method in runs.from_run(folder)]


def _named(method: Method, number: int, family: str) -> Method:
    """A method of one seed, its name and those of its variants with the seed."""
    variants = tuple(
        _named(variant, number, variant.name if variant.reads == map_use.RGB else family)
        for variant in method.variants
    )
    name = f"{method.name}, seed {number}"
    return dataclasses.replace(method, name=name, family=family, variants=variants)
