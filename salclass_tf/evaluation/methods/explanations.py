"""Grad-CAM maps of classifiers as methods, beside the maps of detectors."""

import dataclasses
from collections.abc import Collection, Sequence

import tensorflow as tf

from salclass_tf.evaluation.activations import grad_cam
from salclass_tf.evaluation.methods.crops_of_sets import Batch, EvaluatedSet
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
        signature = dataset.signature
        maps = tf.function(grad_cam.build(method.network()))
        compiled = maps.get_concrete_function(signature)

        def answer(batch: Batch) -> Answers:
            return {SALIENCY: compiled({key: batch[key] for key in signature}).numpy()}

        return answer

    return dataclasses.replace(
        method,
        name=f"Grad-CAM of {method.name}",
        fingerprint=f"grad-cam {method.fingerprint}",
        gives=frozenset({SALIENCY}),
        load=load,
        network=None,
    )
