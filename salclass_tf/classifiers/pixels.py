"""How each family of `keras.applications` wants its pixels."""

import pathlib
import re

import keras
import numpy as np

from salclass_tf import layers
from salclass_tf.weights import keras_file

# Mean and deviation of red, green and blue over ImageNet, pixels in [0, 1].
_MEANS = np.array((0.485, 0.456, 0.406))
_DEVIATIONS = np.array((0.229, 0.224, 0.225))

# RGB in [-1, 1]; of mean 0 and deviation 1; and the [-1, 1) of EfficientNetV2 S, M and L.
_SIGNED = {"scale": 1 / 127.5, "offset": -1.0}
_STANDARD = {
    "scale": (1 / (255 * _DEVIATIONS)).tolist(),
    "offset": (-_MEANS / _DEVIATIONS).tolist(),
}
_EIGHT_BIT = {"scale": 1 / 128, "offset": -1.0}

#: module of `keras.applications` -> settings of the rescaling; None is Caffe's way
FAMILIES = {
    "convnext": _STANDARD,
    "densenet": _STANDARD,
    "efficientnet": _STANDARD,
    "efficientnet_v2": _STANDARD,
    "inception_resnet_v2": _SIGNED,
    "mobilenet": _SIGNED,
    "mobilenet_v2": _SIGNED,
    "mobilenet_v3": _SIGNED,
    "nasnet": _SIGNED,
    "resnet": None,
    "resnet_v2": _SIGNED,
    "xception": _SIGNED,
}
_EXCEPTIONS = dict.fromkeys([f"efficientnet_v2_{size}" for size in "sml"], _EIGHT_BIT)

# A map of deviation 1 would hardly reach a first convolution that reads pixels unscaled.
_PIXEL_DEVIATION = 57.0


def build_preprocessing(name: str, family: str) -> tuple[keras.Layer, float]:
    """Creates the layer that normalises the pixels of a network.

    Args:
        name: of the network, as `build_classifier` takes it.
        family: the module of `keras.applications` that it is in.

    Returns:
        A layer: RGB in [0, 255], [b, s, s, 3] -> float32 of the same shape; and about the
        deviation of what it gives, which the map should have too.
    """
    settings = _EXCEPTIONS.get(name, FAMILIES[family])
    if settings is None:
        return layers.VggPreprocessing(name="preprocessing"), _PIXEL_DEVIATION
    return keras.layers.Rescaling(**settings, dtype="float32", name="preprocessing"), 1.0


def manner(name: str, family: str) -> str:
    """Returns what docs/classifiers.md calls a network's way with pixels.

    Args:
        name: see `build_preprocessing`.
        family: see `build_preprocessing`.
    """
    settings = _EXCEPTIONS.get(name, FAMILIES[family])
    if settings is None:
        return "Caffe"
    known = {"signed": _SIGNED, "standard": _STANDARD, "128": _EIGHT_BIT}
    return next(word for word, meant in known.items() if meant is settings)


def check_file(path: pathlib.Path) -> None:
    """Checks that an EfficientNet was trained on pixels that are normalised as ours are.

    The first EfficientNets of Keras normalise pixels by weights in their files. The public files
    hold ImageNet's deviations in place of its variances, which Keras makes up for by one more
    rescaling (tensorflow/tensorflow#49930), so that both mean the same.

    Raises:
        ValueError: if the file has other means or variances, as that of a network that has been
            trained from random weights in Keras without adapting its normalisation.
    """
    with keras_file.open_layers(path) as stored:
        found = [
            [np.asarray(x) for x in stored[name][0]] for name in stored if is_normalisation(name)
        ]
    for mean, variance, *_ in found:
        spreads = (variance.ravel(), np.sqrt(variance.ravel()))
        if not np.allclose(mean.ravel(), _MEANS, atol=1e-3) or not any(
            np.allclose(spread, _DEVIATIONS, atol=1e-3) for spread in spreads
        ):
            raise ValueError(
                f"{path} must be of a network whose pixels had ImageNet's means {_MEANS.tolist()} "
                f"and variances {(_DEVIATIONS**2).round(4).tolist()}; its normalisation has "
                f"{mean.ravel().tolist()} and {variance.ravel().tolist()}; train it here instead"
            )


def is_normalisation(name: str) -> bool:
    """Returns whether a layer's name is one that Keras gives to its `Normalization`."""
    return re.fullmatch(r"normalization(_\d+)?", name) is not None
