"""Which layers of a classifier have feature maps to show, and which are shown."""

import keras
import numpy as np
import pytest

from salclass_tf import model
from salclass_tf.classifiers import build_classifier
from salclass_tf.evaluation.activations import feature_layers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg16", ["block2_conv1", "block3_conv3", "block4_conv3", "block5_conv3"]),
        ("inception_v3", ["mixed1", "mixed4", "mixed7", "mixed10"]),
        (
            "resnet50",
            ["conv3_block1_out", "conv4_block1_out", "conv4_block5_out", "conv5_block3_out"],
        ),
    ],
)
def test_layers_are_spread_over_the_depth(name, expected):
    layers = feature_layers.find(build_classifier(name, 2, image_size=139, width=1 / 64))
    assert feature_layers.spread(layers, 4) == expected
    # A quarter, a half, three quarters: of 13 convolutions in a row, of 47, of 49.
    deepest = layers[expected[-1]].depth
    assert deepest == {"vgg16": 13, "inception_v3": 47, "resnet50": 49}[name]
    for part, layer in enumerate(expected, start=1):
        assert layers[layer].depth == pytest.approx(part * deepest / 4, abs=2)
        assert layers[layer].is_neck and layers[layer].is_end


@pytest.mark.slow
def test_layers_of_networks_without_necks():
    layers = feature_layers.find(build_classifier("nasnet_mobile", 2, image_size=96, width=1 / 11))
    found = feature_layers.spread(layers, 4)
    assert len(found) == 4
    depths = [layers[name].depth for name in found]
    np.testing.assert_allclose(depths, depths[-1] * np.arange(1, 5) / 4, atol=2)


def test_a_neck_is_where_everything_comes_through():
    image = keras.Input((16, 16, 3))
    first = keras.layers.Conv2D(2, 3, activation="relu", name="first")(image)
    left = keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="left")(first)
    right = keras.layers.Conv2D(2, 1, activation="relu", name="right")(first)
    added = keras.layers.Add(name="added")([left, right])
    last = keras.layers.Conv2D(2, 3, activation="relu", name="last")(added)
    outputs = keras.layers.Add(name="past")([last, keras.layers.Cropping2D(1)(added)])
    layers = feature_layers.find(keras.Model(image, outputs))
    necks = {layer.name for layer in layers.values() if layer.is_neck}
    assert necks == {"first", "added", "past"}
    assert {layer.name for layer in layers.values() if layer.is_end} == {
        *("first", "left", "right", "added", "last", "past")
    }
    assert {name: layers[name].depth for name in ("first", "added", "past")} == {
        "first": 1,
        "added": 2,
        "past": 3,
    }


def test_maps_of_inner_networks_are_of_the_image():
    inner = keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="in_sequence"),
        ]
    )
    image = keras.Input((10, 10, 3))
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(image)
    x = inner(x)
    network = keras.Model(image, keras.layers.GlobalMaxPooling2D()(x))
    layer = feature_layers.find(network)["in_sequence"]
    shown = np.random.default_rng(0).uniform(0, 255, (2, 10, 10, 3)).astype(np.float32)
    maps = keras.Model(network.input, layer.maps)(shown)
    np.testing.assert_allclose(maps, inner(shown / 255), atol=1e-6)
    np.testing.assert_allclose(np.max(maps, axis=(1, 2)), network(shown), atol=1e-6)
    assert layer.field[0] == (2, 0, 2)


def test_maps_of_one_unit_have_no_place_to_show():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, activation="relu", name="maps")(image)
    network = keras.Model(image, keras.layers.Conv2D(2, 6, activation="relu", name="unit")(x))
    assert list(feature_layers.find(network)) == ["maps"]


def test_networks_without_feature_maps_are_refused():
    image = keras.Input((8, 8, 3))
    flat = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)), name="flat")
    for network in (flat, model.DetectorModel(flat)):
        with pytest.raises(ValueError, match="has no feature maps to look at: it must be"):
            feature_layers.find(network)
