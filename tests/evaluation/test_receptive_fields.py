"""Receptive fields against published ones, and against what a change of each pixel changes."""

import keras
import numpy as np
import pytest

from salclass_tf.classifiers import build_classifier
from salclass_tf.evaluation.activations import feature_layers
from salclass_tf.evaluation.activations.receptive_fields import Reach


@pytest.mark.parametrize(
    ("name", "size", "layer", "seen", "padding"),
    [
        ("vgg16", 224, "block5_pool", 212, 90),
        ("inception_v3", 299, "mixed10", 1311, 618),
        ("mobilenet", 224, "conv_pw_13_relu", 315, 126),
    ],
)
def test_published_fields(name, size, layer, seen, padding):
    # Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill
    # 2019; columns RF, effective padding and stride of their table.
    network = build_classifier(name, 2, image_size=size, width=1 / 64)
    expected = Reach(32, -padding, seen - padding - 1)
    assert feature_layers.find(network)[layer].field == (expected, expected)


class Positive(keras.initializers.Initializer):
    """Weights of one sign: no change of a pixel is cancelled by another."""

    def __call__(self, shape, dtype=None):
        """Returns values from 1 to 2."""
        return 1 + np.random.default_rng(0).random(shape).astype(np.float32)


def convolution(*arguments, **settings):
    return keras.layers.Conv2D(2, *arguments, kernel_initializer=Positive(), **settings)


def plain(x):
    x = convolution((3, 5), strides=(2, 1), padding="same")(x)
    x = keras.layers.MaxPooling2D(3, 2, padding="same")(x)
    return convolution((2, 1), padding="valid", activation="relu")(x)


def padded(x):
    x = keras.layers.ZeroPadding2D(((0, 3), (2, 1)))(x)
    x = keras.layers.DepthwiseConv2D(3, strides=2, depthwise_initializer=Positive())(x)
    x = keras.layers.Cropping2D(((1, 0), (0, 2)))(x)
    return keras.layers.AveragePooling2D((2, 3), 1)(x)


def dilated(x):
    x = convolution(3, dilation_rate=(2, 1), padding="same")(x)
    return keras.layers.SeparableConv2D(
        2, 3, strides=3, depthwise_initializer=Positive(), pointwise_initializer=Positive()
    )(x)


def branched(x):
    wide = convolution((1, 5), padding="same")(x)
    wide = convolution(3, strides=2)(wide)
    tall = convolution((5, 1), strides=1, padding="same")(x)
    tall = keras.layers.MaxPooling2D(3, 2)(tall)
    x = keras.layers.Concatenate()([wide, tall])
    short = convolution(1)(x)
    return keras.layers.Add()([short, convolution((3, 1), padding="same")(x)])


@pytest.mark.parametrize("build", [plain, padded, dilated, branched])
@pytest.mark.parametrize("size", [(14, 17), (15, 16)])
def test_a_unit_sees_the_pixels_that_can_change_it(build, size):
    image = keras.Input((*size, 1))
    network = keras.Model(image, build(image))
    rng = np.random.default_rng(1)
    shown = rng.random((1, *size, 1)).astype(np.float32)
    pixels = np.eye(np.prod(size), dtype=np.float32).reshape(-1, *size, 1)
    # So bright a pixel is the largest in every pool.
    changed = network(shown + 1000 * pixels).numpy() > 1 + network(shown).numpy()
    *_, layer = feature_layers.find(network).values()
    assert layer.maps.shape == network.output.shape
    for row, column in np.ndindex(*layer.maps.shape[1:3]):
        rows, columns = np.nonzero(changed[:, row, column].any(-1).reshape(size))
        for seen, index, reach, length in zip(
            (rows, columns), (row, column), layer.field, size, strict=True
        ):
            first, last = (reach.step * index + end for end in (reach.first, reach.last))
            assert (seen.min(), seen.max()) == (max(first, 0), min(last, length - 1))
            assert reach.size == last - first + 1


def test_gates_of_the_whole_image_do_not_count():
    image = keras.Input((12, 12, 2))
    x = convolution(3, padding="same")(image)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = convolution(1, activation="sigmoid")(gate)
    network = keras.Model(image, keras.layers.Multiply()([x, gate]))
    *_, layer = feature_layers.find(network).values()
    assert layer.name.startswith("multiply")
    assert layer.field == (Reach(1, -1, 1), Reach(1, -1, 1))


def test_what_cannot_be_told_is_not_said():
    image = keras.Input((12, 12, 2))
    first = convolution(3, padding="same", name="first")(image)
    enlarged = keras.layers.UpSampling2D(name="enlarged")(first)
    vector = keras.layers.Flatten(name="vector")(first)
    back = keras.layers.Reshape((12, 12, 2), name="back")(vector)
    mixed = keras.layers.Add(name="mixed")([first, back])
    strides = [
        convolution(3, strides=2, padding="same", name="halved")(first),
        convolution(7, name="whole")(first),
    ]
    steps = keras.layers.Concatenate(name="steps")(strides)
    network = keras.Model(image, [convolution(3, name="after")(enlarged), mixed, steps])
    assert set(feature_layers.find(network)) == {"first", "halved", "whole"}
