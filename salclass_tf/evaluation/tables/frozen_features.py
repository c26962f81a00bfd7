"""Frozen features and a softmax classifier on other data sets: the paper's Table 6."""

import logging

import keras
import numpy as np
import tensorflow as tf

from salclass_tf.evaluation.methods import evaluated_sets
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.model import SalClassNet

_log = logging.getLogger(__name__)

#: weight of the error against the squared weights, scikit-learn's own; the paper names none
INVERSE_REGULARISATION = 1.0
_STEPS = 1000


def classify(method: Method, train: EvaluatedSet, test: EvaluatedSet) -> Guesses:
    """Fits a softmax classifier on a network's features of one split and tries it on another.

    The features, what enters the last dense layer, are taken from central crops, brought to mean
    0 and deviation 1 over the training images, and classified by multinomial logistic regression
    (scikit-learn's, L2, `INVERSE_REGULARISATION`). They are the only thing that grows with the
    number of images.

    Args:
        method: with a network that classifies.
        train: images to learn from.
        test: images to classify.

    Raises:
        ValueError: if the network has no dense layer, or fewer than two classes are there.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    body = penultimate(method.network())
    _, seen, known = _extract(body, train, method)
    if np.unique(known).size < 2:
        raise ValueError(f"{train.title} must hold at least two classes to tell apart")
    softmax = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=_STEPS)
    classifier = make_pipeline(StandardScaler(), softmax).fit(seen, known)
    if softmax.n_iter_.max() >= _STEPS:
        _log.warning("%s: the softmax classifier did not converge in %d steps", method.name, _STEPS)
    images, unseen, truth = _extract(body, test, method)
    # Classes without a training image are never guessed.
    likely = np.zeros((len(images), len(test.class_names)))
    likely[:, softmax.classes_] = classifier.predict_proba(unseen)
    return Guesses.of_probabilities(method.labels(test), images, truth, likely, test.class_names)


def penultimate(network: keras.Model) -> keras.Model:
    """Returns a network up to what enters its last dense layer.

    Args:
        network: image (and map) -> logits, or SalClassNet, whose detector makes the map.

    Returns:
        The same input -> float32 [b, n].

    Raises:
        ValueError: if it has no dense layer.
    """
    if isinstance(network, SalClassNet):
        image = keras.Input(network.detector.inputs[0].shape[1:], name="image")
        maps = network.map_scale(network.detector(image))
        body = penultimate(network.classifier)
        return keras.Model(image, body({"image": image, "saliency": maps}))
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    if not dense:
        raise ValueError(
            f"features are what enters the last dense layer; network {network.name} has none"
        )
    return keras.Model(network.input, dense[-1].input)


def _extract(
    body: keras.Model, dataset: EvaluatedSet, method: Method
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names, features [n, d] and classes of all images."""
    function = tf.function(
        lambda batch: body(batch if method.needs_truth else batch["image"], training=False),
        autograph=False,
    )
    forward = function.get_concrete_function(dataset.signature)
    images, features, classes = [], [], []
    for batch in dataset.read(f"features of {method.name} on {dataset.title}"):
        images += evaluated_sets.names(batch)
        features.append(forward({key: batch[key] for key in dataset.signature}).numpy())
        classes.append(batch["label"].numpy())
    return tuple(images), np.concatenate(features), np.concatenate(classes)
