"""Every network of `keras.applications` as a classifier, by one adapter.

Keras builds the network for RGB; its layers are rebuilt behind the four channels, which widens
the first convolution whatever it is called. So each network is the stock one, by construction, and
its layers have the names that its weight files know.
"""

import functools
import re
from collections.abc import Callable

import keras

from salclass_tf.classifiers import pixels, rgbs, stock_weights
from salclass_tf.classifiers import pooling as poolings
from salclass_tf.classifiers.rebuilding import Rebuilding
from salclass_tf.layers import sizes

_SMALLEST_IMAGE = {"xception": 71, "inception_resnet_v2": 75}  # what Keras asks for; else 32

_WORDS = re.compile(r"(?<=[a-z0-9])(?=ResNet|V\d|B\d|X?Large|Base|Mobile|Small|Tiny|[SML]$)")


def _family(network: Callable[..., keras.Model]) -> str:
    """The module of `keras.applications` that a network's function is in."""
    return network.__module__.rpartition(".")[2]


#: name -> function of `keras.applications`; MobileNetV3Small is mobilenet_v3_small
NETWORKS = {
    _WORDS.sub("_", name).lower(): network
    for name, network in vars(keras.applications).items()
    if name[0].isupper() and _family(network) in pixels.FAMILIES
}


def build(
    name: str,
    num_classes: int = 120,
    saliency_input: bool = True,
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    bn_momentum: float | None = None,
    dropout: float | None = None,
    saliency_spread: float | None = None,
    pooling: str = "mean",
) -> keras.Model:
    """Builds a network of `keras.applications`; the contract is that of `build_classifier`.

    Args:
        name: a key of `NETWORKS`.
        num_classes: number of classes.
        saliency_input: whether the network takes a map.
        image_size: side of image and map, in pixels; at least 32, of two networks more.
        width: factor on every channel count, see `channels.plan`.
        weights: None, "imagenet" or a path.
        bn_momentum: share of the old running mean and variance that a step keeps, in every batch
            normalisation but the map's; None is the network's own, 0.9 to 0.9997.
        dropout: rate before the class layer, where the network has a dropout there; None is its
            own.
        saliency_spread: initial standard deviation of the normalised map; None is about that of
            the colours: 57 where they are pixel values (ResNet, first version), otherwise 1.
        pooling: how the last features are pooled, see `pooling.pool`; "both" where the class layer
            alone reads them.

    Returns:
        {"image", "saliency"} or image -> logits float32 [b, num_classes].
    """
    sizes.check_image_size(f"classifier {name}", image_size, smallest_image(name))
    family, path = family_of(name), None
    if weights is not None:
        path = stock_weights.find(name, family, weights, image_size, width)
    stock = NETWORKS[name](
        weights=None,
        input_shape=(image_size, image_size, 3),
        classes=num_classes if path is None else stock_weights.classes(path) or num_classes,
        classifier_activation=None,
    )
    poolings.check(pooling)
    rebuilding = Rebuilding(stock, num_classes, width, bn_momentum, dropout, pooling)
    preprocessing, spread = pixels.build_preprocessing(name, family)
    spread = spread if saliency_spread is None else saliency_spread
    inputs, stack = rgbs.build_input(preprocessing, image_size, saliency_input, spread)
    model = keras.Model(inputs, rebuilding.apply(stack, inputs), name=f"{name}_classifier")
    if path is not None:
        stock_weights.load(model, rebuilding, stock, path)
    return model


def family_of(name: str) -> str:
    """Returns the module of `keras.applications` that a network is in, which is its family."""
    return _family(NETWORKS[name])


def smallest_image(name: str) -> int:
    """Returns the side of the smallest image that a network takes, in pixels."""
    return _SMALLEST_IMAGE.get(name, 32)


BUILDERS = {name: functools.partial(build, name) for name in NETWORKS}
