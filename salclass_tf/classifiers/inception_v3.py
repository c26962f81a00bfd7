"""Inception-v3, the paper's classifier (Sec. 3.2; Szegedy et al., arXiv 1512.00567).

The network is data: a sequence of steps, where a `_Split` applies several sequences to the same
input and stacks their results. One small interpreter turns it into layers, in the order that gives
every convolution the name it has in `keras.applications.InceptionV3`.
"""

import collections
from typing import NamedTuple

import keras

from salclass_tf import weights as weight_files
from salclass_tf.classifiers import pooling as poolings
from salclass_tf.classifiers import rgbs
from salclass_tf.layers import sizes

_SMALLEST_IMAGE = 75  # leaves one cell after the last reduction


class _Conv(NamedTuple):
    """Convolution without bias, batch normalisation, ReLU."""

    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: str = "same"


class _Split(NamedTuple):
    """Branches over one input, concatenated along the channels."""

    branches: tuple
    name: str | None = None


def _halve(channels: int, kernel: tuple[int, int] = (3, 3)) -> _Conv:
    """Convolution that halves the grid."""
    return _Conv(channels, kernel, stride=2, padding="valid")


def _mixed_35(index: int, pooled: int) -> _Split:
    """Block on the 35x35 grid (figure 5 of the Inception paper, 5x5 kept)."""
    return _Split(
        (
            (_Conv(64),),
            (_Conv(48), _Conv(64, (5, 5))),
            (_Conv(64), _Conv(96, (3, 3)), _Conv(96, (3, 3))),
            ("average", _Conv(pooled)),
        ),
        f"mixed{index}",
    )


def _mixed_17(index: int, inner: int) -> _Split:
    """Block on the 17x17 grid, 7x7 factored into 1x7 and 7x1 (figure 6)."""
    wide, tall = (1, 7), (7, 1)
    return _Split(
        (
            (_Conv(192),),
            (_Conv(inner), _Conv(inner, wide), _Conv(192, tall)),
            (
                _Conv(inner),
                _Conv(inner, tall),
                _Conv(inner, wide),
                _Conv(inner, tall),
                _Conv(192, wide),
            ),
            ("average", _Conv(192)),
        ),
        f"mixed{index}",
    )


def _mixed_8(index: int) -> _Split:
    """Block on the 8x8 grid, with outputs widened side by side (figure 7)."""
    fork = _Split(((_Conv(384, (1, 3)),), (_Conv(384, (3, 1)),)))
    return _Split(
        (
            (_Conv(320),),
            (_Conv(384), fork),
            (_Conv(448), _Conv(384, (3, 3)), fork),
            ("average", _Conv(192)),
        ),
        f"mixed{index}",
    )


_STEM = (
    _halve(32),
    _Conv(32, (3, 3), padding="valid"),
    _Conv(64, (3, 3)),
    "max",
    _Conv(80, padding="valid"),
    _Conv(192, (3, 3), padding="valid"),
    "max",
)
_TO_17 = _Split(
    ((_halve(384),), (_Conv(64), _Conv(96, (3, 3)), _halve(96)), ("max",)),
    "mixed3",
)
_TO_8 = _Split(
    (
        (_Conv(192), _halve(320)),
        (_Conv(192), _Conv(192, (1, 7)), _Conv(192, (7, 1)), _halve(192)),
        ("max",),
    ),
    "mixed8",
)
_NETWORK = (
    *_STEM,
    *(_mixed_35(index, pooled) for index, pooled in enumerate((32, 64, 64))),
    _TO_17,
    *(_mixed_17(index, inner) for index, inner in enumerate((128, 160, 160, 192), start=4)),
    _TO_8,
    _mixed_8(9),
    _mixed_8(10),
)


def build(
    num_classes: int = 120,
    saliency_input: bool = True,
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    bn_momentum: float = 0.99,
    saliency_spread: float = 1.0,
    pooling: str = "mean",
) -> keras.Model:
    """Builds Inception-v3; the contract is that of `build_classifier`.

    Args:
        num_classes: number of classes.
        saliency_input: whether the network takes a map.
        image_size: side of image and map, in pixels; at least 75.
        width: factor on every channel count.
        weights: None, "imagenet" or a path.
        bn_momentum: share of the old running mean and variance that a step keeps, in every batch
            normalisation but the map's.
        saliency_spread: initial standard deviation of the normalised map; the colours lie in
            [-1, 1].
        pooling: how the last features are pooled, see `pooling.pool`.

    Returns:
        {"image", "saliency"} or image -> logits float32 [b, num_classes].
    """
    sizes.check_image_size("classifier inception_v3", image_size, _SMALLEST_IMAGE)
    preprocessing = keras.layers.Rescaling(
        1 / 127.5, offset=-1.0, dtype="float32", name="inception_preprocessing"
    )
    inputs, x = rgbs.build_input(preprocessing, image_size, saliency_input, saliency_spread)
    x = _Graph(width, bn_momentum).apply(x, _NETWORK)
    mean = keras.layers.GlobalAveragePooling2D(name="avg_pool")
    x = poolings.pool(mean, x, inputs, pooling)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="predictions")(x)
    model = keras.Model(inputs, logits, name="inception_v3_classifier")
    if weights is not None:
        public = "inception_v3" if num_classes == 1000 else "inception_v3_notop"
        path = weight_files.find(weights, public, width)
        weight_files.load(model, path, widened="conv2d", heads=rgbs.NEW_LAYERS)
    return model


class _Graph:
    """Turns steps into layers, and counts them for their names."""

    def __init__(self, width: float, bn_momentum: float):
        self._width = width
        self._bn_momentum = bn_momentum
        self._counts = collections.Counter()

    def apply(self, x: keras.KerasTensor, steps: tuple) -> keras.KerasTensor:
        """Applies steps one after the other."""
        for step in steps:
            if isinstance(step, _Conv):
                x = self._convolve(x, step)
            elif isinstance(step, _Split):
                branches = [self.apply(x, branch) for branch in step.branches]
                x = keras.layers.Concatenate(name=step.name or self._name("fork"))(branches)
            elif step == "max":
                x = keras.layers.MaxPooling2D(3, 2, name=self._name("max_pooling2d"))(x)
            else:
                name = self._name("average_pooling2d")
                x = keras.layers.AveragePooling2D(3, 1, padding="same", name=name)(x)
        return x

    def _convolve(self, x: keras.KerasTensor, conv: _Conv) -> keras.KerasTensor:
        x = keras.layers.Conv2D(
            sizes.scaled(conv.channels, self._width),
            conv.kernel,
            strides=conv.stride,
            padding=conv.padding,
            use_bias=False,
            name=self._name("conv2d"),
        )(x)
        x = keras.layers.BatchNormalization(
            momentum=self._bn_momentum,
            scale=False,
            synchronized=rgbs.has_replicas(),
            name=self._name("batch_normalization"),
        )(x)
        return keras.layers.Activation("relu", name=self._name("activation"))(x)

    def _name(self, kind: str) -> str:
        """conv2d, conv2d_1, ...: numbered as Keras numbers unnamed layers."""
        number = self._counts[kind]
        self._counts[kind] += 1
        return f"{kind}_{number}" if number else kind
