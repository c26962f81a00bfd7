"""Grad-CAM maps of classifiers as methods, beside the maps of detectors."""

import dataclasses
from collections.abc import Collection, Sequence

import keras
import tensorflow as tf

from salclass_tf.data.geometry import WHOLE
from salclass_tf.evaluation.activations import grad_cam
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet
from salclass_tf.evaluation.methods.method import LOGITS, SALIENCY, Answers, Forward, Method


def beside(methods: Sequence[Method], datasets: Collection[str]) -> list[Method]:
    """Returns methods, behind each Keras classifier the one that explains its answers.

    Classifiers that learned from none of the evaluated sets are not explained: they name classes of
    other pictures.

    Args:
        methods: whatever is compared.
        datasets: TFDS names of the evaluated sets.

    Raises:
        ValueError: if there is no such classifier.
    """
    found: list[Method] = []
    for method in methods:
        explained = LOGITS in method.gives and method.network is not None
        theirs = method.trained_on is None or method.trained_on in datasets
        found += [method, _explaining(method)] if explained and theirs else [method]
    if len(found) == len(methods):
        raise ValueError(
            "Grad-CAM looks into a Keras network that has learned the classes of an evaluated set, "
            "and there is none among the models: name a run or a stage that classifies, or leave "
            "--gradcam out"
        )
    return found


def _explaining(method: Method) -> Method:
    """The Grad-CAM maps of a classifier."""

    def load(dataset: EvaluatedSet) -> Forward:
        side = method.geometry.image_size
        explain = _Explanations(method.network(), side, method.needs_truth)
        if dataset.view == WHOLE:
            explain.shown = f"squeezed to {side} x {side}"
        return explain

    return dataclasses.replace(
        method,
        name=f"Grad-CAM of {method.name}",
        fingerprint=f"grad-cam {method.fingerprint}",
        gives=frozenset({SALIENCY}),
        load=load,
        chosen_on=None,  # that of the classifier is told with the classifier
        network=None,
        family=f"Grad-CAM of {method.family}" if method.family else "",
        variants=(),
    )


class _Explanations:
    """Answers batches with Grad-CAM maps; whole images are squeezed into the network's square."""

    def __init__(self, network: keras.Model, side: int, needs_truth: bool):
        self._read = {"image": tf.TensorSpec((None, None, None, 3), tf.uint8)}
        if needs_truth:
            self._read["saliency"] = tf.TensorSpec((None, None, None, 1))
        self._square, self._explain = (side, side), grad_cam.build(network)
        self._compiled = tf.function(self._maps, autograph=False).get_concrete_function(self._read)

    def __call__(self, batch: Batch) -> Answers:
        """Returns `saliency` float32 [b, h, w, 1] in the size of the batch's images."""
        return {SALIENCY: self._compiled({key: batch[key] for key in self._read}).numpy()}

    def _maps(self, batch: Batch) -> tf.Tensor:
        seen = {k: tf.image.resize(one, self._square, antialias=True) for k, one in batch.items()}
        return tf.image.resize(self._explain(seen), tf.shape(batch["image"])[1:3], antialias=True)
