"""What frozen beginnings of networks make of views, computed once, and batches of it."""

import hashlib
import logging
import time
from collections.abc import Iterator

import keras
import tensorflow as tf
from tqdm import tqdm

from salclass_tf.data.sets import GazeSet
from salclass_tf.model import GazeModel, frozen_beginnings
from salclass_tf.model.frozen_beginnings import Halves
from salclass_tf.model.gaze_model import FEATURES
from salclass_tf.training import caching, feeding
from salclass_tf.training.feature_tables import Layout, Table
from salclass_tf.training.loop import Feed
from salclass_tf.training.plan import Job

_log = logging.getLogger(__name__)

_GIB = 2**30


def open_features(one: Job, gaze_set: GazeSet, model: GazeModel, feed: Feed) -> "Features | None":
    """Decides whether a stage keeps features, and says why.

    Args:
        one: the stage.
        gaze_set: its data.
        model: what it trains, frozen where it is.
        feed: its batches.

    Returns:
        The features, still to be computed; None where there is nothing to keep.

    Raises:
        ValueError: if there is no room for them.
    """
    if not caching.is_wanted(one.config, one.name):
        return None
    if not caching.repeats(one.config, one.name, feed.steps):
        _log.info("stage %s: no features are kept: no view comes a second time", one.name)
        return None
    part = caching.part_of(one.name)
    network = getattr(model, part)
    found = frozen_beginnings.halves(network)
    if found is None:
        learner = frozen_beginnings.first_learner(network)
        why = f"{learner} learns" if learner else f"nothing of the {part} learns"
        _log.info("stage %s: no features are kept: %s", one.name, why)
        return None
    model.read_features(part, found.rest)
    return Features(one, gaze_set, feed, found)


class Features:
    """What a stage keeps of its views, and the batches that are made of it.

    Args:
        one: the stage.
        gaze_set: its data.
        feed: its batches, of images.
        halves: of the network whose beginning is frozen.

    Attributes:
        facts: for `metrics.json`: where features are taken, how many there are, what they cost.

    Raises:
        ValueError: if there is no room for them.
    """

    def __init__(self, one: Job, gaze_set: GazeSet, feed: Feed, halves: Halves):
        self._one, self._gaze_set, self._images, self._halves = one, gaze_set, feed, halves
        layouts = caching.layouts(one.config, one.name, gaze_set, feed, halves)
        caching.require_room(one.config, one.name, layouts, one.folder)
        on_disk = one.config.cache_features == "disk"
        self._tables = {
            part: Table(layout, one.folder / caching.FOLDER / part if on_disk else None)
            for part, layout in layouts.items()
        }
        self.facts = {
            "layers": list(halves.ends),
            "place": one.config.cache_features,
            "views": {part: layout.rows for part, layout in layouts.items()},
            "gib": round(sum(layout.bytes for layout in layouts.values()) / _GIB, 3),
        }

    @property
    def feed(self) -> Feed:
        """The stage's batches, with features in place of what the beginning reads."""
        validation = self._images.validation
        if validation is not None:
            size = validation.element_spec["label"].shape[0]
            table = self._tables["validation"]
            rows = tf.data.Dataset.range(table.layout.rows).batch(size, drop_remainder=True)
            validation = self._read(table, rows.with_options(validation.options()))

        def epoch(number: int, skip: int) -> tf.data.Dataset:
            rows = feeding.view_order(
                self._one.config, self._one.name, self._gaze_set, number, skip
            )
            return self._read(self._tables["training"], rows)

        images = self._images
        return Feed(epoch, images.steps, validation, images.shown, images.class_names)

    def compute(self) -> None:
        """Computes the features with the weights of now, or opens those that are there.

        Raises:
            OSError: if they cannot be written; the message says what to do.
        """
        started, name = time.monotonic(), self._one.name
        views = feeding.every_view(self._one.config, name, self._gaze_set)
        sources = {"training": views, "validation": self._images.validation}
        made_from, found = self._made_from(), []
        for part, table in self._tables.items():
            found.append(table.reopen(made_from))
            if not found[-1]:
                table.fill(self._computed(sources[part], table.layout, part), made_from)
        self.facts["seconds"] = round(time.monotonic() - started, 1)
        _log.info(
            "stage %s: features of %s %s, %s GiB %s, %.1f s; each epoch begins after %s",
            name,
            " + ".join(str(rows) for rows in self.facts["views"].values()),
            "views found" if all(found) else "views computed",
            self.facts["gib"],
            "on disk" if self.facts["place"] == "disk" else "in memory",
            self.facts["seconds"],
            ", ".join(self.facts["layers"]),
        )

    def remove(self) -> None:
        """Frees the memory, or the disk."""
        for table in self._tables.values():
            table.remove()

    def _computed(
        self, batches: tf.data.Dataset, layout: Layout, part: str
    ) -> Iterator[dict[str, tf.Tensor]]:
        """The columns of a table, batch by batch."""
        read = [tensor.name for tensor in self._halves.beginning.inputs]
        signature = {
            n: tf.TensorSpec([None, *s.shape[1:]], s.dtype)
            for n, s in batches.element_spec.items()
            if n in read
        }

        @tf.function(input_signature=[signature], autograph=False)
        def beginning(inputs: dict[str, tf.Tensor]) -> list[tf.Tensor]:
            given = inputs if len(inputs) > 1 else inputs[read[0]]
            return keras.tree.flatten(self._halves.beginning(given, training=False))

        name = f"{self._one.name}: features for {part}"
        with tqdm(total=layout.rows, desc=name, unit="img", leave=False, disable=None) as bar:
            for batch in batches:
                features = beginning({key: batch[key] for key in read})
                columns = batch | {caching.column(i): value for i, value in enumerate(features)}
                yield {key: columns[key] for key in layout.columns}
                bar.update(len(features[0]))

    def _read(self, table: Table, rows: tf.data.Dataset) -> tf.data.Dataset:
        """Batches of the rows of a table."""

        def batch(numbers: tf.Tensor) -> dict:
            columns = table.read(numbers)
            features = tuple(columns.pop(caching.column(i)) for i in range(len(self._halves.ends)))
            return columns | {FEATURES: features}

        return rows.map(batch).prefetch(2)

    def _made_from(self) -> dict:
        """What decides the features besides the settings that the stage's folder is known by."""
        digest = hashlib.sha256()
        for weight in self._halves.beginning.weights:
            digest.update(weight.numpy().tobytes())
        return {"layers": list(self._halves.ends), "weights": digest.hexdigest()}
