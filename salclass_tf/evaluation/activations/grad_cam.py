"""Grad-CAM: which places of an image speak for the class that a classifier names."""

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from salclass_tf.evaluation.activations import feature_layers
from salclass_tf.evaluation.activations.peaks import classifier_of
from salclass_tf.model import SalClassNet


def build(network: keras.Model) -> Callable[[Mapping[str, tf.Tensor]], tf.Tensor]:
    """Returns what makes Grad-CAM maps of a network.

    Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", ICCV 2017: the last feature maps A_k, weighted by the means over all their units
    of the derivatives of the class's score, summed, and 0 where the sum is negative. The class is
    the one that the network names; its score is what the network answers, a logit of ours. The
    layer is the deepest one that everything comes through, such as `block5_conv4` or `mixed10`.

    Args:
        network: image (and map) -> logits, or SalClassNet, whose detector makes the map.

    Returns:
        A function of a batch with `image`, RGB [b, s, s, 3], and `saliency`, [b, s, s, 1], where
        the network reads a true map. It gives float32 [b, s, s, 1], not below 0, enlarged from the
        units of the layer by bilinear interpolation; all 0 where nothing speaks for the class.

    Raises:
        ValueError: if the network has no feature maps.
    """
    classifier = classifier_of(network)
    body = keras.Model(classifier.input, feature_layers.last(classifier))
    reads_map = len(classifier.inputs) > 1

    def maps(batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
        image = tf.cast(batch["image"], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(image)  # else nothing is recorded of a network whose layers are frozen
            inputs = {"image": image} if reads_map else image
            if isinstance(network, SalClassNet):
                inputs["saliency"] = network.map_scale(network.detector(image, training=False))
            elif reads_map:
                inputs["saliency"] = batch["saliency"]
            features, scores = body(inputs, training=False)
            named = tf.reduce_max(tf.cast(scores, tf.float32), axis=-1)
        weights = tf.reduce_mean(tape.gradient(named, features), axis=(1, 2), keepdims=True)
        found = tf.nn.relu(tf.reduce_sum(tf.cast(weights * features, tf.float32), -1, True))
        return tf.image.resize(found, tf.shape(image)[1:3])

    return maps
