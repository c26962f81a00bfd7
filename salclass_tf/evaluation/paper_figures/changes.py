"""The paper's figures for any methods on any data sets: what `evaluate.py --figure` draws."""

import dataclasses
import logging
import pathlib
import re

import numpy as np

from salclass_tf import figures, metrics
from salclass_tf.evaluation import lineup, methods, picking, picture_rows, runs, sweeps
from salclass_tf.evaluation.datasets import EvaluatedSet
from salclass_tf.evaluation.lineup import Lineup
from salclass_tf.evaluation.method import SALIENCY, Method

_log = logging.getLogger(__name__)

#: what can be drawn: numbers of the paper's figures, and maps over their images
FIGURES = ("3", "4", "5", "6", "overlays")

#: ways of choosing images
CHANGED, RANDOM = "changed", "random"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to draw.

    Attributes:
        figures: some of `FIGURES`.
        models: see `methods.find`; Figs. 3 and 4 take runs.
        datasets: TFDS names; empty for those that the models were trained on.
        images: how many images a picture shows.
        pick: `CHANGED` (Fig. 3 alone: where the map changed most), `RANDOM`, or names of images;
            () is `CHANGED` for Fig. 3 and `RANDOM` for the others.
        seed: of the random choice.
        split: TFDS split or slice; None for the test part of each set.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        output: folder of the pictures.

    Raises:
        ValueError: for an unknown figure, and a number of images below 1.
    """

    figures: tuple[str, ...]
    models: tuple[str, ...]
    datasets: tuple[str, ...] = ()
    images: int = 6
    pick: tuple[str, ...] = ()
    seed: int = 0
    split: str | None = None
    data_dir: str | None = None
    manual_dir: str | None = None
    output: pathlib.Path = pathlib.Path("runs/evaluation")

    def __post_init__(self) -> None:
        """Refuses what cannot be meant."""
        unknown = [name for name in self.figures if name not in FIGURES]
        if unknown or not self.figures:
            got = repr(unknown[0]) if unknown else "none"
            raise ValueError(f"figures are some of {', '.join(FIGURES)}; got {got}")
        if self.images < 1:
            raise ValueError(f"a picture shows at least 1 image; got {self.images}")
        if CHANGED in self.pick and set(self.figures) - {"3", "4"}:
            raise ValueError(
                f"only Fig. 3 knows what changed; with --pick={CHANGED} ask for --figure=3 alone"
            )


def run(settings: Settings) -> list[pathlib.Path]:
    """Draws the figures, each as PNG and PDF.

    Args:
        settings: see `Settings`.

    Returns:
        The files.

    Raises:
        ValueError: for anything the user can mend.
    """
    paths: list[pathlib.Path] = []
    for name in settings.figures:
        drawn = _DRAWERS[name](settings)
        print("\n".join(f"Fig. {name}: {path}" for path in drawn))
        paths += drawn
    return paths


def _before_and_after(settings: Settings) -> list[pathlib.Path]:
    """Fig. 3: maps of each run's detector before and after the class error has reached it."""
    paths = []
    for text in settings.models:
        label, folder = methods.split(text)
        pair = runs.joined(folder)
        opened = lineup.open_all(
            [str(folder / "joint")],
            settings.datasets,
            settings.split,
            settings.data_dir,
            settings.manual_dir,
        )
        for one in opened.sets:
            dataset = opened.crops(one, pair[1].geometry)
            paths += _draw_change(settings, label or folder.name, pair, dataset)
    return paths


def _draw_change(
    settings: Settings, label: str, pair: tuple[Method, Method], dataset: EvaluatedSet
) -> list[pathlib.Path]:
    """Fig. 3 of one run on one set."""
    heads = ["before joint training", "after joint training"]
    if CHANGED in (settings.pick or (CHANGED,)):
        rows, how, means = _most_changed(pair, dataset, settings.images)
        heads = [f"{head}\nmean {mean}" for head, mean in zip(heads, means, strict=True)]
    else:
        chosen, how = _chosen(settings, dataset)
        rows = picture_rows.rows(pair, dataset, chosen)
    rows = [dataclasses.replace(row, change=row.maps[1] - row.maps[0]) for row in rows]
    peak = max(float(np.abs(row.change).max()) for row in rows)
    change = figures.Scale(-peak, peak, "after - before", figures.CHANGE_COLOURS)
    title = f"{label} on {dataset.title}: the map before and after the class error\n{how}"
    path = settings.output / _file_name("fig3", label, dataset)
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


def _alpha(settings: Settings) -> list[pathlib.Path]:
    """Fig. 4: what `train.py --sweep_alpha` has left in a run."""
    paths = []
    for text in settings.models:
        label, folder = methods.split(text)
        trials, before, facts = sweeps.read(folder)
        title = f"{label or folder.name} on {facts}"
        path = settings.output / _slug(f"fig4 {label or folder.name}")
        paths += figures.alpha_curves(trials, before, title, path)
    return paths


def _comparison(settings: Settings, number: str, learned: bool) -> list[pathlib.Path]:
    """Figs. 5 and 6: the maps of all methods, on the sets they learned from or on others."""
    opened = _open(settings)
    givers = _givers(opened)
    paths = []
    for one in opened.sets:
        first = opened.crops(one, None)
        if learned == any(method.trained_on == first.name for method in givers):
            paths += _compare(settings, number, opened, one, givers)
    if not paths:
        kind = "that a model learned from" if learned else "that no model learned from"
        raise ValueError(f"Fig. {number} shows sets {kind}; name one with --dataset")
    return paths


def _compare(
    settings: Settings, number: str, opened: Lineup, one: tuple, givers: list[Method]
) -> list[pathlib.Path]:
    """A grid of one set."""
    first = opened.crops(one, givers[0].geometry)
    chosen, how = _chosen(settings, first)
    others = [m for m in givers if m.geometry not in (None, first.geometry)]
    if others:
        raise ValueError(
            f"Fig. {number} shows one crop of each image; {others[0].name} wants another one than "
            f"{givers[0].name}, {others[0].geometry}: draw them apart"
        )
    rows = [picture_rows.standardised(row) for row in picture_rows.rows(givers, first, chosen)]
    title = f"{first.title}: {how}; the numbers are of this image"
    path = settings.output / _file_name(f"fig{number}", "", first)
    heads = [_wrapped(method.name) for method in givers]
    return figures.comparison(rows, heads, title, path, picture_rows.deviations(rows))


def _overlays(settings: Settings) -> list[pathlib.Path]:
    """Each method's maps over the images."""
    opened = _open(settings)
    paths = []
    for one in opened.sets:
        for method in _givers(opened):
            dataset = opened.crops(one, method.geometry)
            chosen, how = _chosen(settings, dataset)
            rows = [
                picture_rows.standardised(row)
                for row in picture_rows.rows((method,), dataset, chosen)
            ]
            pictures = [
                figures.Overlay(
                    row.image, row.maps[0], row.xy, f"{row.name}: {figures.caption(row.scores[0])}"
                )
                for row in rows
            ]
            title = f"{method.name} on {dataset.title}\n{how}; rings: fixations"
            path = settings.output / _file_name("overlays", method.name, dataset)
            paths += figures.overlays(pictures, title, path, picture_rows.deviations(rows))
    return paths


_DRAWERS = {
    "3": _before_and_after,
    "4": _alpha,
    "5": lambda settings: _comparison(settings, "5", learned=True),
    "6": lambda settings: _comparison(settings, "6", learned=False),
    "overlays": _overlays,
}


def _open(settings: Settings) -> Lineup:
    """Methods and sets."""
    return lineup.open_all(
        settings.models,
        settings.datasets,
        settings.split,
        settings.data_dir,
        settings.manual_dir,
    )


def _givers(opened: Lineup) -> list[Method]:
    """The methods that give maps."""
    givers = [method for method in opened.methods if SALIENCY in method.gives]
    if not givers:
        raise ValueError("no model gives maps; name one that does with --model")
    return givers


def _chosen(settings: Settings, dataset: EvaluatedSet) -> tuple[list[str], str]:
    """Names of the images to show, and how they were chosen."""
    if settings.pick and set(settings.pick) != {RANDOM}:
        return list(settings.pick), "chosen images"
    names = picking.draw(dataset, settings.images, settings.seed)
    return names, f"{len(names)} images drawn at random (seed {settings.seed})"


def _wrapped(name: str) -> str:
    """A name in two lines, where it is long."""
    return re.sub(r"(.{12,}?) ", r"\1\n", name, count=1)


def _file_name(kind: str, label: str, dataset: EvaluatedSet) -> str:
    """Of a picture: what it is of."""
    return _slug(f"{kind} {label} {dataset.name} {dataset.split}")


def _slug(text: str) -> str:
    """Text as the name of a file."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
