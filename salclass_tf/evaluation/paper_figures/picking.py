"""Which images a picture shows: a seeded draw, those of given names, or a running best of all."""

import heapq
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
import tensorflow as tf

from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet

_Item = TypeVar("_Item")


class Largest(Generic[_Item]):
    """The items of largest value among all that were offered, in memory for these alone.

    Args:
        count: how many are kept.
    """

    def __init__(self, count: int):
        self._count = count
        self._heap: list[tuple[float, int, _Item]] = []
        self._offered = 0

    def offer(self, value: float, item: _Item) -> None:
        """Keeps an item if its value is among the largest so far; of equal ones the first stays."""
        self._offered += 1
        entry = (value, -self._offered, item)
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def items(self) -> list[_Item]:
        """Returns what was kept, the largest value first."""
        return [item for _, _, item in sorted(self._heap, key=lambda entry: entry[:2])[::-1]]


def draw(dataset: EvaluatedSet, count: int, seed: int) -> list[str]:
    """Draws images at random, those with gaze where the set has any, in the order of the set.

    Args:
        dataset: the images.
        count: how many; all where there are fewer.
        seed: of the draw.
    """
    source = dataset.source()

    def name_and_gaze(example: dict) -> tuple[tf.Tensor, tf.Tensor]:
        seen = tf.size(example["fixations"]["x"]) > 0 if dataset.has_points else True
        return example["image/id"], seen

    with dataset.readable(source):
        known = [
            name.decode() for name, seen in source.map(name_and_gaze).as_numpy_iterator() if seen
        ]
    drawn = np.random.default_rng(seed).choice(len(known), min(count, len(known)), replace=False)
    return [known[index] for index in np.sort(drawn)]


def only(dataset: EvaluatedSet, names: Sequence[str]) -> tf.data.Dataset:
    """Returns the examples of some images, undecoded, in the order of the set.

    Args:
        dataset: the images.
        names: of the images to keep.

    Raises:
        ValueError: if there is no image of a name.
    """
    wanted = tf.constant(list(names))
    kept = dataset.source().filter(lambda example: tf.reduce_any(example["image/id"] == wanted))
    ids = kept.map(lambda example: example["image/id"])
    there = {name.decode() for name in ids.as_numpy_iterator()}
    missing = [name for name in names if name not in there]
    if missing:
        raise ValueError(f"{dataset.title} has no image {missing[0]!r}")
    return kept
