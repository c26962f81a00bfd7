"""A network as one graph whose weights are constants."""

import keras
import numpy as np
import tensorflow as tf

from salclass_tf.training import final_scores


def freeze(network: keras.Model, image_size: int) -> tf.types.experimental.ConcreteFunction:
    """Traces the inference of a network with its weights as constants.

    oneDNN brings a constant kernel into its own layout once, a variable's at every request; and a
    graph without variables has nothing left that could be trained, assigned or restored.

    Args:
        network: image -> map, image -> logits, or SalClassNet.
        image_size: side s of the images, in pixels.

    Returns:
        `image` uint8 [b, s, s, 3] -> dict of `probabilities` float32 [b, classes] and `saliency`
        float32 [b, s, s, 1], as far as the network gives them.
    """
    weights = [(variable, np.asarray(variable.value)) for variable in network.variables]

    @tf.function(autograph=False)
    def forward(image: tf.Tensor) -> dict[str, tf.Tensor]:
        with keras.StatelessScope(weights):
            out = final_scores.answers(network, {"image": tf.cast(image, tf.float32)})
        answers = {}
        if "logits" in out:
            logits = tf.cast(out["logits"], tf.float32)
            answers["probabilities"] = tf.nn.softmax(logits, name="probabilities")
        if "saliency" in out:
            answers["saliency"] = tf.cast(out["saliency"], tf.float32)
        return answers

    shape = [None, image_size, image_size, 3]
    return forward.get_concrete_function(tf.TensorSpec(shape, tf.uint8, name="image"))
