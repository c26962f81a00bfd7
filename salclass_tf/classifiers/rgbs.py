"""The four-channel RGBS input that all classifiers share (paper, Sec. 3.2 and 3.3)."""

import keras
import tensorflow as tf

from salclass_tf import layers

#: what a trained RGB network of other classes has nothing for
NEW_LAYERS = ("predictions", "saliency_normalization")

_CHANNELS, _NORMALISATION = 4, NEW_LAYERS[1]


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
        name=_NORMALISATION,
    )(saliency)
    stack = keras.layers.Concatenate(name="rgbs")([colours, normalised])
    return {"image": image, "saliency": saliency}, stack


def map_normalization(classifier: keras.Model) -> keras.layers.BatchNormalization | None:
    """Returns the normalisation of the map; None in a network that was not built with one."""
    return next(
        (layer for layer in layers.leaves(classifier) if layer.name == _NORMALISATION), None
    )


def map_statistics(classifier: keras.Model) -> tuple[float, float]:
    """Returns mean and standard deviation of the pixels of the maps that a classifier has read.

    Args:
        classifier: any; (0, 1) of one without a normalisation of the map.
    """
    layer = map_normalization(classifier)
    if layer is None:
        return 0.0, 1.0
    known = (layer.moving_mean, layer.moving_variance)
    mean, variance = (float(keras.ops.convert_to_numpy(value)[0]) for value in known)
    return mean, max(variance, layer.epsilon) ** 0.5


def first_convolution(classifier: keras.Model) -> keras.layers.Conv2D:
    """Returns the convolution that reads the four channels.

    Args:
        classifier: any; layers of models inside it count too.

    Raises:
        ValueError: if its first convolution reads fewer channels, or there is none.
    """
    first = next((x for x in layers.leaves(classifier) if isinstance(x, keras.layers.Conv2D)), None)
    channels = 0 if first is None else first.kernel.shape[-2] * first.groups
    if channels < _CHANNELS:
        found = "none" if first is None else f"{first.name}, which reads {channels}"
        raise ValueError(
            f"{classifier.name} has no convolution that could read the map: its first Conv2D must "
            f"read {_CHANNELS} channels, image and map stacked as by rgbs.build_input; got {found}"
        )
    return first


def has_replicas() -> bool:
    """Whether networks are being built for several replicas, which share their batch statistics.

    On one replica there is nothing to share, and the statistics are cheaper without.
    """
    return tf.distribute.get_strategy().num_replicas_in_sync > 1
