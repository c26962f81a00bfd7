"""Figs. 5 and 6: the maps of all methods side by side."""

import pathlib
import re

from salclass_tf import figures
from salclass_tf.data.geometry import CROP
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.paper_figures import file_names, picture_rows
from salclass_tf.evaluation.paper_figures.settings import Settings


def draw(settings: Settings, number: str, learned: bool) -> list[pathlib.Path]:
    """Draws a grid for each set.

    Args:
        settings: what to draw.
        number: of the figure.
        learned: whether it shows sets that a method learned from, or others.

    Returns:
        The files.

    Raises:
        ValueError: if there is no such set, or methods want several crops.
    """
    opened = settings.open()
    givers = opened.map_givers()
    paths = []
    for one in opened.sets:
        first = opened.crops(one, None)
        if learned == any(method.trained_on == first.name for method in givers):
            dataset = opened.scored(one, givers[0].geometry)
            paths += _compare(settings, number, dataset, givers)
    if not paths:
        kind = "that a model learned from" if learned else "that no model learned from"
        raise ValueError(f"Fig. {number} shows sets {kind}; name one with --dataset")
    return paths


def _compare(
    settings: Settings, number: str, dataset: EvaluatedSet, givers: list[Method]
) -> list[pathlib.Path]:
    """A grid of one set."""
    chosen, how = settings.chosen(dataset)
    others = [m for m in givers if m.geometry not in (None, dataset.geometry)]
    if others and dataset.view == CROP:
        raise ValueError(
            f"Fig. {number} shows one crop of each image; {others[0].name} wants another one than "
            f"{givers[0].name}, {others[0].geometry}: draw them apart"
        )
    rows = [picture_rows.standardised(row) for row in picture_rows.rows(givers, dataset, chosen)]
    title = f"{dataset.title}: {how}; numbers: scores of each map"
    path = settings.output / file_names.of_set(f"fig{number}", "", dataset)
    heads = [_wrapped(method.name) for method in givers]
    return figures.comparison(rows, heads, title, path, picture_rows.deviations(rows))


def _wrapped(name: str) -> str:
    """A name in two lines, where it is long."""
    return re.sub(r"(.{12,}?) ", r"\1\n", name, count=1)
