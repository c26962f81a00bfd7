"""What a classifier makes of the map: its answers with other maps in place of its own."""

import copy
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salclass_tf.model import SalClassNet
from salclass_tf.training.final_scores import Forward

#: the map that a network is made for: a detector's, or people's
OWN = "own map"
#: people's map, where the own one is a detector's
TRUE = "true map"
#: the own map of the picture before
OTHER = "another picture's map"
#: zeros, as where nobody looked
NONE = "no map"
#: not read from the same network: its twin of three channels
RGB = "RGB alone"

Batch = dict[str, tf.Tensor]


def maps_of(network: keras.Model) -> tuple[str, ...]:
    """Returns the maps that a network can be asked with: without `TRUE` where that is its own."""
    return (OWN, TRUE, OTHER, NONE) if isinstance(network, SalClassNet) else (OWN, OTHER, NONE)


class Reader:
    """Answers pictures with a map of choice.

    Args:
        forward: of SalClassNet, or of a classifier {"image", "saliency"} -> logits.
    """

    def __init__(self, forward: Forward):
        network = forward.network
        self._forward, self._joint = forward, isinstance(network, SalClassNet)
        self._scaled = network.map_scale if self._joint else tf.identity
        self._classifier = Forward(network.classifier) if self._joint else forward
        self._last: tf.Tensor | None = None

    def afresh(self) -> "Reader":
        """Returns a reader of the same network, traced once for both, that has seen no batch."""
        other = copy.copy(self)
        other._last = None
        return other

    def answers(self, batch: Batch, wanted: Sequence[str]) -> dict[str, tf.Tensor]:
        """Answers a batch; `OTHER` takes batches in their order, since it reads the one before.

        Args:
            batch: `image` [b, s, s, 3], and `saliency` [b, s, s, 1] for `TRUE` and for a
                classifier, whose own maps these are. The first picture of all gets the map of the
                last one of its batch.
            wanted: some of `maps_of`.

        Returns:
            Map -> logits, float32 [b, classes].
        """
        maps = {}
        if TRUE in wanted:
            maps[TRUE] = batch["saliency"]
        if OWN in wanted or OTHER in wanted:
            maps[OWN] = self._forward(batch)["saliency"] if self._joint else batch["saliency"]
            before = maps[OWN][-1:] if self._last is None else self._last
            maps[OTHER] = tf.concat([before, maps[OWN][:-1]], axis=0)
            self._last = maps[OWN][-1:]
        if NONE in wanted:
            maps[NONE] = tf.zeros((*batch["image"].shape[:3], 1))
        return {which: self._read(batch["image"], maps[which]) for which in wanted}

    def _read(self, image: tf.Tensor, saliency: tf.Tensor) -> tf.Tensor:
        """The classifier's answer, with the map in the height that it is used to."""
        return self._classifier({"image": image, "saliency": self._scaled(saliency)})["logits"]


def accuracies(forward: Forward, batches: tf.data.Dataset) -> dict[str, float]:
    """Returns the share of pictures whose first guess is right, map by map.

    Args:
        forward: see `Reader`.
        batches: as `pipeline.evaluation_batches` gives them, with maps.
    """
    reader, wanted = Reader(forward), maps_of(forward.network)
    right: dict[str, list[np.ndarray]] = {which: [] for which in wanted}
    for batch in tqdm(batches, "other maps", leave=False, disable=None):
        for which, logits in reader.answers(batch, wanted).items():
            right[which].append(np.argmax(logits, -1) == batch["label"].numpy())
    return {which: float(np.mean(np.concatenate(found))) for which, found in right.items()}
