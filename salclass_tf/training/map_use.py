"""What a classifier makes of the map: its answers with other maps in place of its own."""

import copy
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

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
        self._classifier = forward.of(network.classifier) if self._joint else forward
        self._last: tf.Tensor | None = None

    def afresh(self) -> "Reader":
        """Returns a reader of the same network, traced once for both, that has seen no batch."""
        other = copy.copy(self)
        other._last = None
        return other

    def answers(
        self, batch: Batch, wanted: Sequence[str], own: Batch | None = None
    ) -> dict[str, tf.Tensor]:
        """Answers a batch; `OTHER` takes batches in their order, since it reads the one before.

        Args:
            batch: `image` [b, s, s, 3], and `saliency` [b, s, s, 1] for `TRUE` and for a
                classifier, whose own maps these are. The first picture of all gets the map of the
                last one of its batch.
            wanted: some of `maps_of`.
            own: what the network itself answers to the batch, where that is known.

        Returns:
            Map -> logits, float32 [b, classes].
        """
        maps = {}
        if TRUE in wanted:
            maps[TRUE] = batch["saliency"]
        if OWN in wanted or OTHER in wanted:
            maps[OWN] = (own or self._forward(batch) if self._joint else batch)["saliency"]
            before = maps[OWN][-1:] if self._last is None else self._last
            maps[OTHER] = tf.concat([before, maps[OWN][:-1]], axis=0)
            self._last = maps[OWN][-1:]
        if NONE in wanted:
            maps[NONE] = tf.zeros((*batch["image"].shape[:3], 1))
        known = {OWN: own["logits"]} if own is not None else {}
        return {
            which: known[which] if which in known else self._read(batch["image"], maps[which])
            for which in wanted
        }

    def _read(self, image: tf.Tensor, saliency: tf.Tensor) -> tf.Tensor:
        """The classifier's answer, with the map in the height that it is used to."""
        return self._classifier({"image": image, "saliency": self._scaled(saliency)})["logits"]


class Counts:
    """Counts with which map a network's first guess is right, while it is scored.

    Args:
        forward: see `Reader`.
    """

    def __init__(self, forward: Forward):
        self._reader, self._wanted = Reader(forward), maps_of(forward.network)
        self._right: dict[str, list[np.ndarray]] = {which: [] for which in self._wanted}

    def see(self, batch: Batch, out: Batch) -> None:
        """Counts a batch, see `final_scores.score`.

        Args:
            batch: as `pipeline.evaluation_batches` gives them, with maps.
            out: what the network answers to it.
        """
        for which, logits in self._reader.answers(batch, self._wanted, out).items():
            self._right[which].append(np.argmax(logits, -1) == batch["label"].numpy())

    @property
    def accuracies(self) -> dict[str, float]:
        """The share of pictures whose first guess was right, map by map."""
        return {which: float(np.mean(np.concatenate(one))) for which, one in self._right.items()}
