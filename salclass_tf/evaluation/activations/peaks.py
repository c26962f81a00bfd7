"""How active feature maps of a classifier are at most on each image of a set, and where."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from salclass_tf.evaluation.activations.feature_layers import FeatureLayer
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.model import SalClassNet


class Peaks(NamedTuple):
    """Of all maps of a layer on the images of a batch.

    Attributes:
        highest: activation of the most active unit, float32 [b, c].
        lowest: of the least active one, float32 [b, c].
        unit: place of the most active one in its map, row by row, int64 [b, c].
    """

    highest: np.ndarray
    lowest: np.ndarray
    unit: np.ndarray


#: images of a batch, uint8 [b, s, s, 3], and the peaks of each layer on them
Seen = tuple[np.ndarray, list[Peaks]]


def classifier_of(network: keras.Model) -> keras.Model:
    """Returns the part of a network that classifies."""
    return network.classifier if isinstance(network, SalClassNet) else network


def read(
    method: Method, network: keras.Model, layers: Sequence[FeatureLayer], dataset: EvaluatedSet
) -> Iterator[Seen]:
    """Yields the images of a set with the peaks of some layers; the maps are not kept.

    Args:
        method: that the network is of.
        network: image (and true map) -> logits, or SalClassNet, whose detector makes the map.
        layers: of the classifier, see `feature_layers.find`.
        dataset: the images.

    Raises:
        ValueError: for a network that reads true maps on a set without; for activations that are
            not finite.
    """
    if method.needs_truth and not dataset.has_maps:
        raise ValueError(
            f"{method.name} reads true maps, which {dataset.title} lacks; take a SalClassNet or a "
            "network of 3 channels"
        )
    peaks_of = _compile(method, network, layers, dataset)
    for batch in dataset.read(f"feature maps of {method.name} on {dataset.title}"):
        peaks = peaks_of(batch)
        for layer, found in zip(layers, peaks, strict=True):
            if not np.isfinite(found.highest).all():
                raise ValueError(
                    f"activations must be finite; layer {layer.name} of {method.name} gives others "
                    f"on {dataset.title}: its weights may be broken"
                )
        yield batch["image"].numpy(), peaks


def _compile(
    method: Method, network: keras.Model, layers: Sequence[FeatureLayer], dataset: EvaluatedSet
) -> Callable[[Batch], list[Peaks]]:
    """Batch -> peaks of each layer."""
    classifier = classifier_of(network)
    body = keras.Model(classifier.input, [layer.maps for layer in layers])

    def peaks(batch: Batch) -> list[Peaks]:
        inputs = batch if method.needs_truth else batch["image"]
        if isinstance(network, SalClassNet):
            saliency = network.map_scale(network.detector(batch["image"], training=False))
            inputs = {"image": batch["image"], "saliency": saliency}
        # Of one layer Keras returns the maps without a list.
        return [_peaks(maps) for maps in keras.tree.flatten(body(inputs, training=False))]

    compiled = tf.function(peaks, autograph=False).get_concrete_function(dataset.signature)

    def answer(batch: Batch) -> list[Peaks]:
        found = compiled({key: batch[key] for key in dataset.signature})
        return [Peaks(*(values.numpy() for values in one)) for one in found]

    return answer


def _peaks(maps: tf.Tensor) -> Peaks:
    """Peaks of maps [b, h, w, c]."""
    _, height, width, channels = maps.shape
    units = tf.reshape(tf.cast(maps, tf.float32), (-1, height * width, channels))
    return Peaks(tf.reduce_max(units, 1), tf.reduce_min(units, 1), tf.argmax(units, 1))
