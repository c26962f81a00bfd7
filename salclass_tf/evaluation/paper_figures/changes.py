"""Fig. 3: the maps of a detector before and after the class error has reached it."""

import dataclasses
import pathlib

import numpy as np

from salclass_tf import figures, metrics
from salclass_tf.evaluation.methods import find, runs
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.paper_figures import file_names, picking, picture_rows
from salclass_tf.evaluation.paper_figures.settings import CHANGED, Settings


def draw(settings: Settings) -> list[pathlib.Path]:
    """Draws both maps of each run, and their difference, on each set; returns the files."""
    paths = []
    for text in settings.models:
        label, folder = find.split(text)
        pair = runs.joined(folder)
        opened = settings.open((str(folder / "joint"),))
        for one in opened.sets:
            dataset = opened.crops(one, pair[1].geometry)
            paths += _draw_change(settings, label or folder.name, pair, dataset)
    return paths


def _draw_change(
    settings: Settings, label: str, pair: tuple[Method, Method], dataset: EvaluatedSet
) -> list[pathlib.Path]:
    """The picture of one run on one set."""
    heads = ["before joint training", "after joint training"]
    if CHANGED in (settings.pick or (CHANGED,)):
        rows, how, means = _most_changed(pair, dataset, settings.images)
        heads = [f"{head}\nmean {mean}" for head, mean in zip(heads, means, strict=True)]
    else:
        chosen, how = settings.chosen(dataset)
        rows = picture_rows.rows(pair, dataset, chosen)
    rows = [dataclasses.replace(row, change=row.maps[1] - row.maps[0]) for row in rows]
    peak = max(float(np.abs(row.change).max()) for row in rows)
    change = figures.Scale(-peak, peak, "after - before", figures.CHANGE_COLOURS)
    title = f"{label} on {dataset.title}: the map before and after the class error\n{how}"
    path = settings.output / file_names.of_set("fig3", label, dataset)
    return figures.comparison(rows, heads, title, path, picture_rows.SAME_UNITS, change)


def _most_changed(
    pair: tuple[Method, Method], dataset: EvaluatedSet, count: int
) -> tuple[list[figures.Row], str, list[str]]:
    """The rows of the images whose map correlates least with what it was, in one pass.

    Besides, how they were chosen, and the mean scores over all images before and after.
    """
    forwards = [method.load(dataset) for method in pair]
    largest: picking.Largest[figures.Row] = picking.Largest(count)
    means: list[list[dict[str, float]]] = []
    for batch in dataset.read(f"changed maps on {dataset.title}"):
        for row in picture_rows.rows_of(batch, forwards, dataset):
            # Undefined where a map is constant: nothing of the other one is in it.
            agreement = float(np.nan_to_num(metrics.cc(row.maps[1], row.maps[0])))
            largest.offer(1 - agreement, _noted(row, f"CC of both {agreement:.2f}"))
            means.append(row.scores)
    how = f"the {count} images of {len(means)} whose maps correlate least with each other"
    return largest.items(), how, [_mean_caption(column) for column in zip(*means, strict=True)]


def _mean_caption(found: tuple[dict[str, float], ...]) -> str:
    """Mean scores over images, where they are defined."""
    columns = {name: np.array([one[name] for one in found]) for name in found[0]}
    known = {name: values[~np.isnan(values)] for name, values in columns.items()}
    return figures.caption({name: float(v.mean()) for name, v in known.items() if v.size})


def _noted(row: figures.Row, note: str) -> figures.Row:
    """The row with a note beside its name."""
    return dataclasses.replace(row, name=f"{row.name}\n{note}")
