"""Images with the maps of several methods and their scores: what comparing pictures show."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import scipy.stats

from salclass_tf import figures, metrics
from salclass_tf.evaluation.methods import evaluated_sets
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet
from salclass_tf.evaluation.methods.method import SALIENCY, Forward, Method
from salclass_tf.evaluation.paper_figures import picking

#: of the maps of one training, whose heights can be compared as they are
SAME_UNITS = figures.Scale(0, 1, "saliency (the true map's peak is 1)")

_DEVIATIONS = "deviations above each map's own mean (NSS: mean of this at the fixations)"


def rows(
    givers: Sequence[Method], dataset: EvaluatedSet, names: Sequence[str]
) -> list[figures.Row]:
    """Returns a row for each of some images, in the order of their names.

    Args:
        givers: methods that give maps.
        dataset: the images.
        names: of those to show.

    Raises:
        ValueError: if there is no image of a name, or a method does not fit the set.
    """
    forwards = [method.load(dataset) for method in givers]
    extras = dict.fromkeys(extra for method in givers for extra in method.extras)
    source = picking.only(dataset, names)
    found = {}
    with dataset.readable(source):
        for batch in dataset.batches(source, *extras):
            found |= {row.name: row for row in rows_of(batch, forwards, dataset)}
    return [found[name] for name in names]


def rows_of(batch: Batch, forwards: Sequence[Forward], dataset: EvaluatedSet) -> list[figures.Row]:
    """Returns a row for each image of a batch, with the scores of its maps below them."""
    answers = [forward(batch)[SALIENCY] for forward in forwards]
    found = []
    for index, name in enumerate(evaluated_sets.names(batch)):
        xy, truth = evaluated_sets.fixations(batch, index), evaluated_sets.target(batch, index)
        maps = tuple(np.asarray(given[index, ..., 0]) for given in answers)
        shown = batch["saliency"][index, ..., 0].numpy() if dataset.has_maps else None
        of_maps = tuple(scores(saliency, xy, truth) for saliency in maps)
        image = batch["image"][index].numpy()
        found.append(figures.Row(name, image, xy, shown, maps, of_maps))
    return found


def scores(saliency: np.ndarray, xy: np.ndarray, truth: np.ndarray | None) -> dict[str, float]:
    """Returns NSS and CC of a map; NaN where there is nothing to compare with.

    Args:
        saliency: map [h, w].
        xy: fixations, (column, row) pixels, [n, 2].
        truth: true map [h, w], or None.
    """
    return {
        "NSS": metrics.nss(saliency, xy) if len(xy) else math.nan,
        "CC": math.nan if truth is None else metrics.cc(saliency, truth),
    }


def standardised(row: figures.Row) -> figures.Row:
    """Returns maps in deviations above their mean, so that maps of any unit can be compared."""
    truth = None if row.truth is None else _z_scores(row.truth)
    return dataclasses.replace(row, truth=truth, maps=tuple(map(_z_scores, row.maps)))


def deviations(found: Sequence[figures.Row]) -> figures.Scale:
    """Returns a scale for standardised maps, the same for all.

    It begins at a map's mean and ends, in whole deviations, where a hundredth of the pixels of the
    true maps is higher; of the methods' maps where there are no true ones.
    """
    true = [row.truth for row in found if row.truth is not None]
    shown = true or [saliency for row in found for saliency in row.maps]
    high = float(np.quantile(np.concatenate([values.ravel() for values in shown]), 0.99))
    return figures.Scale(0, max(round(high), 1), _DEVIATIONS)


def _z_scores(saliency: np.ndarray) -> np.ndarray:
    """The map in deviations; 0 where it is constant."""
    flat = np.ptp(saliency) == 0
    return np.zeros(saliency.shape) if flat else scipy.stats.zscore(saliency, axis=None)
