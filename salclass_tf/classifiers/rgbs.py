"""The four-channel RGBS input that all classifiers share (paper, Sec. 3.2 and 3.3)."""

import keras
import tensorflow as tf


def build_input(
    preprocessing: keras.Layer, image_size: int, saliency_input: bool, saliency_spread: float
) -> tuple[keras.KerasTensor | dict[str, keras.KerasTensor], keras.KerasTensor]:
    """Creates the inputs of a classifier and the stack that its first convolution reads.

    The batch normalisation of the map has Torch's epsilon and momentum, as the paper's had: Keras'
    epsilon of 1e-3 would leave flat maps far from unit deviation.

    Args:
        preprocessing: layer that normalises the RGB image.
        image_size: side s of image and map, in pixels.
        saliency_input: whether there is a map.
        saliency_spread: initial standard deviation of the normalised map.

    Returns:
        The model's inputs (image alone, or {"image", "saliency"}), and [b, s, s, 3 or 4].
    """
    image = keras.Input((image_size, image_size, 3), name="image")
    colours = preprocessing(image)
    if not saliency_input:
        return image, colours
    saliency = keras.Input((image_size, image_size, 1), name="saliency")
    normalised = keras.layers.BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        synchronized=has_replicas(),
        gamma_initializer=keras.initializers.Constant(saliency_spread),
        dtype="float32",
        name="saliency_normalization",
    )(saliency)
    stack = keras.layers.Concatenate(name="rgbs")([colours, normalised])
    return {"image": image, "saliency": saliency}, stack


def has_replicas() -> bool:
    """Whether networks are being built for several replicas, which share their batch statistics.

    On one replica there is nothing to share, and the statistics are cheaper without.
    """
    return tf.distribute.get_strategy().num_replicas_in_sync > 1
